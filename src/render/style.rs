use anstyle::{AnsiColor, Style};

/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// What is gained or added.
pub(super) const GAIN: Style = AnsiColor::Green.on_default();
/// What is lost or removed.
pub(super) const LOSS: Style = AnsiColor::Red.on_default();
/// What changes, and what deserves a look.
pub(super) const NOTICE: Style = AnsiColor::Yellow.on_default();
/// Places in a text.
pub(super) const PLACE: Style = AnsiColor::Cyan.on_default();
/// What is there but has no effect.
pub(super) const FAINT: Style = Style::new().dimmed();

/// The text in this style.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
