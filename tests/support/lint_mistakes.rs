//! Generates correct maps, and mistakes in them: several for each lint rule, in the styles of users and tools.

use fastrand::Rng;

use crate::support::lint_facts::Data;
use map_model::{Entry, Map, V, account, human, list, node, text, user};
pub(crate) use style::Style;

mod field_mistakes;
mod map_model;
mod style;
mod text_mistakes;

/// The numbers of entries.
const SIZES: [usize; 7] = [1, 2, 3, 5, 10, 25, 50];

/// A mistake in a map.
pub(crate) struct Mistake {
    /// The rule that must find it.
    pub(crate) rule: &'static str,
    /// A description.
    pub(crate) name: String,
    pub(crate) style: Style,
    pub(crate) data: Data,
}

/// Returns every mistake in every possible style, in maps of every size.
pub(crate) fn all(seed: u64) -> Vec<Mistake> {
    let mut rng = Rng::with_seed(seed);
    let mut mistakes = Vec::new();
    for size in SIZES {
        for style in Style::ALL {
            for (rule, number, made) in field_mistakes::all() {
                let mut map = Map::clean(size, &mut rng);
                made.into(&mut map, &mut rng);
                mistakes.push(Mistake {
                    rule,
                    name: format!("{rule} {number}, {size} entries"),
                    style,
                    data: map.data(style),
                });
            }
            for (rule, number, mistake) in text_mistakes::all() {
                let mut data = Map::clean(size, &mut rng).data(style);
                if mistake(&mut data, style, &mut rng) {
                    mistakes.push(Mistake {
                        rule,
                        name: format!("{rule} of the text {number}, {size} entries"),
                        style,
                        data,
                    });
                }
            }
        }
    }
    mistakes
}

/// Returns correct maps.
pub(crate) fn clean(seed: u64) -> Vec<(Style, Data)> {
    let mut rng = Rng::with_seed(seed);
    let sizes = SIZES.into_iter().flat_map(|size| [size; 20]);
    let mut maps = Vec::new();
    for size in sizes {
        for style in Style::ALL {
            maps.push((style, Map::clean(size, &mut rng).data(style)));
        }
    }
    maps
}
