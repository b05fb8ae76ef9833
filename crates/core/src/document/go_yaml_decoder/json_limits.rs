//! Finds values that YAML allows but JSON cannot represent, and nesting that is too deep for Go's JSON decoder.

use super::{DecodeError, Decoder, Key, Kind, ValueId};
use goyaml::go_json;

impl Decoder<'_, '_> {
    pub(super) fn unsupported_key(&self, root: ValueId) -> Option<DecodeError> {
        for (value, _) in self.decoded.walk(root, self.state.depth + 1) {
            let Kind::Map(pairs) = &value.kind else {
                continue;
            };
            for (key, id) in pairs {
                let key = match key {
                    Key::Null => "%!s(<nil>), key: <nil>".to_owned(),
                    Key::Uint(key) => format!("uint64, key: {key:#x}"),
                    _ => continue,
                };
                let held = match &self.decoded.value(*id).kind {
                    Kind::Text(text) => format!("{text:?}"),
                    Kind::Null => "interface {}(nil)".to_owned(),
                    _ => "…".to_owned(),
                };
                let message = format!("unsupported map key of type: {key}, value: {held}");
                return Some(self.error(value.node, &message));
            }
        }
        None
    }

    pub(super) fn unsupported_number(&self, root: ValueId) -> Option<DecodeError> {
        let mut values = self.decoded.walk(root, self.state.depth + 1);
        values.find_map(|(value, _)| match value.kind {
            Kind::Number(Err(name)) => {
                Some(self.error(value.node, &format!("json: unsupported value: {name}")))
            }
            _ => None,
        })
    }

    pub(super) fn too_deep(&self, root: ValueId) -> Option<DecodeError> {
        let mut values = self.decoded.walk(root, self.state.depth + 1);
        values.find_map(|(value, depth)| {
            let bracket = match value.kind {
                Kind::List(_) => b'[',
                Kind::Map(_) => b'{',
                _ => return None,
            };
            (depth > go_json::MAX_DEPTH)
                .then(|| self.error(value.node, &go_json::too_deep(bracket)))
        })
    }
}
