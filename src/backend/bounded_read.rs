//! Reads files and stdin up to a limit: `/dev/zero` and a pipe may have no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The maximum length of an input. The longest legitimate inputs are Terraform plans.
pub(crate) const MAX_INPUT: u64 = 128 << 20;

/// Reads a file.
pub(crate) fn file(path: &Path) -> io::Result<Vec<u8>> {
    read(File::open(path)?)
}

/// Reads stdin.
pub(crate) fn stdin() -> io::Result<Vec<u8>> {
    read(io::stdin().lock())
}

fn read(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_INPUT {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {} MiB", MAX_INPUT >> 20),
        )),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_input_is_an_error() {
        let error = read(io::repeat(0)).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 128 MiB");
        assert_eq!(read(&b"abc"[..]).unwrap(), b"abc");
    }
}
