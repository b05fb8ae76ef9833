//! Tokens of the authenticator's own client.

use crate::session::{MYTESTROLE, Session, Who, map_args};

#[test]
fn a_role_is_let_in_by_the_map_and_by_nothing_else() {
    let session = Session::start();
    let credentials = session
        .aws()
        .sessions(&["arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0"])
        .remove(0);
    assert_eq!(session.who(&session.token(&credentials)), Who::Unauthorized);
    session.done(&map_args(MYTESTROLE));
    session.becomes(&credentials, &Who::user("admin", &["system:masters"]));
    session.done(&["unmap", "role", MYTESTROLE]);
    session.becomes(&credentials, &Who::Unauthorized);
}
