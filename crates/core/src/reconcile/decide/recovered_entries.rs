//! Finds the entries of objects whose status does not name them: that of an IAMIdentityMapping is lost when the controller restarts, and
//! users may be able to overwrite that of an AwsAuthMapping.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::decision::Input;
use super::super::mapping_object::Object;
use super::super::ownership_record::uid_digest;
use super::current_entries::CurrentEntries;
use crate::document::Document;

/// Returns the objects with the entries that the ownership record proves and their status does not name.
pub(super) fn add_to_objects<'a>(input: &Input<'a>, document: &Document) -> Cow<'a, [Object]> {
    let mut objects = Cow::Borrowed(input.objects);
    if !input.record.has_owners() {
        return objects;
    }
    let by_uid = input.objects.iter().enumerate();
    let by_uid: HashMap<_, _> = by_uid
        .map(|(at, object)| (uid_digest(&object.uid), at))
        .collect();
    for entry in CurrentEntries::of(document).contents() {
        let owner = input.record.owner_of(&entry);
        let Some(&at) = owner.and_then(|owner| by_uid.get(&owner)) else {
            continue;
        };
        let object = &input.objects[at];
        let mut named = object.status.entry.iter().chain(&object.status.pending);
        let is_named = named.any(|named| named.key() == entry.key());
        if is_named || !input.record.proves(&object.uid, &entry) {
            continue;
        }
        let status = &mut objects.to_mut()[at].status;
        match &status.entry {
            None => status.entry = Some(entry),
            Some(_) => status.pending.push(entry),
        }
    }
    objects
}
