//! The styles of text.

use anstyle::{AnsiColor, Style};

/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// Gained access and added text.
pub(super) const GAIN: Style = AnsiColor::Green.on_default();
/// Lost access and removed text.
pub(super) const LOSS: Style = AnsiColor::Red.on_default();
/// Changes and warnings.
pub(super) const NOTICE: Style = AnsiColor::Yellow.on_default();
/// Styled byte ranges of a string.
pub(super) const PLACE: Style = AnsiColor::Cyan.on_default();
/// Text without effect.
pub(super) const FAINT: Style = Style::new().dimmed();

/// Applies a style to a string.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
