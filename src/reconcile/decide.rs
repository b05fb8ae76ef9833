use super::view::{Decision, Memory, View};

/// What is to be done about aws-auth and the objects. Takes time in proportion to the text and the objects.
pub fn decide(view: &View<'_>) -> Decision {
    let _ = view;
    Decision {
        prepare: Vec::new(),
        plan: None,
        states: Vec::new(),
        events: Vec::new(),
        refused: Vec::new(),
        idle: None,
        memory: Memory::default(),
        again: None,
    }
}
