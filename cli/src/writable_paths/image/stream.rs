//! Decompresses archives and layers while they are read, within bounds.

use std::cell::Cell;
use std::io::{self, Chain, Cursor, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::zstd::ZstdReader;

/// Number of bytes that show the format of a stream: a header of a tar archive.
const HEAD: usize = 512;

/// Maximum size of decompressed bytes for every byte of the input. Layers of programs and texts expand less than tenfold.
const MAX_EXPANSION: u64 = 100;

/// Size of decompressed bytes that is always accepted.
const ALWAYS_ACCEPTED: u64 = 1 << 30;

/// Counts what is read and what is decompressed. An archive that expands too much is an error, so that a small file cannot keep the
/// program busy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Rc<Counts>);

#[derive(Debug)]
struct Counts {
    read: Cell<u64>,
    decompressed: Cell<u64>,
    always_accepted: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { read: Cell::default(), decompressed: Cell::default(), always_accepted: ALWAYS_ACCEPTED }
    }
}

impl Meter {
    /// Counts the bytes of an input.
    pub(crate) fn input<R: Read>(&self, reader: R) -> impl Read + use<R> {
        let Self(counts) = self.clone();
        Counting {
            reader,
            count: move |bytes| {
                counts.read.set(counts.read.get().saturating_add(bytes));
                Ok(())
            },
        }
    }

    fn decompressed<R: Read>(&self, reader: R) -> impl Read + use<R> {
        let Self(counts) = self.clone();
        let count = move |bytes| {
            let decompressed = counts.decompressed.get().saturating_add(bytes);
            counts.decompressed.set(decompressed);
            let limit =
                counts.read.get().saturating_mul(MAX_EXPANSION).saturating_add(counts.always_accepted);
            if decompressed <= limit {
                return Ok(());
            }
            let message =
                format!("the content expands to more than {MAX_EXPANSION} times its compressed size");
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        };
        Counting { reader, count }
    }
}

struct Counting<R, F> {
    reader: R,
    count: F,
}

impl<R: Read, F: Fn(u64) -> io::Result<()>> Read for Counting<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        (self.count)(bytes as u64)?;
        Ok(bytes)
    }
}

/// A stream, of which the first bytes are known.
pub(crate) struct Stream<'r> {
    /// At most 512 bytes.
    pub(crate) head: Vec<u8>,
    /// The whole stream, with its head.
    pub(crate) reader: Box<dyn Read + 'r>,
}

impl<'r> Stream<'r> {
    /// Looks at the first bytes of a stream, and decompresses gzip and zstd.
    pub(crate) fn decompressed(reader: impl Read + 'r, meter: &Meter) -> io::Result<Self> {
        let (head, reader) = peek(reader)?;
        let reader: Box<dyn Read + 'r> = if is_gzip(&head) {
            Box::new(meter.decompressed(MultiGzDecoder::new(reader)))
        } else if is_zstd(&head) {
            Box::new(meter.decompressed(ZstdReader::new(reader)))
        } else {
            return Ok(Self { head, reader: Box::new(reader) });
        };
        let (head, reader) = peek(reader)?;
        Ok(Self { head, reader: Box::new(reader) })
    }

    /// Returns whether the stream is a tar archive. An archive of nothing consists of zeros.
    pub(crate) fn is_tar(&self) -> bool {
        let is_ustar = self.head.get(257..262) == Some(b"ustar");
        is_ustar || (self.head.len() == HEAD && self.head.iter().all(|byte| *byte == 0))
    }
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// Returns whether a stream starts with a frame of zstd, or with a frame to skip.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8878>, 3.1.
fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// A reader, of which the first bytes are read again.
pub(super) type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Returns the first bytes, and the whole stream.
pub(super) fn peek<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn decompressed(compressed: &[u8], always_accepted: u64) -> io::Result<Vec<u8>> {
        let meter = Meter(Rc::new(Counts { always_accepted, ..Counts::default() }));
        let mut content = Vec::new();
        Stream::decompressed(meter.input(compressed), &meter)?.reader.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn all_parts_of_a_stream_are_read() {
        let text = b"some text ".repeat(1000);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        for compressed in [
            text.clone(),
            gzip(&text),
            zstd(&text),
            [gzip(&text[..500]), gzip(&text[500..])].concat(),
            [zstd(&text[..500]), skipped.clone(), zstd(b""), zstd(&text[500..]), skipped].concat(),
        ] {
            assert_eq!(decompressed(&compressed, 1 << 20).unwrap(), text);
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let zeros = vec![0; 20 << 20];
        for bomb in [gzip(&zeros), zstd(&zeros)] {
            assert!(bomb.len() < 100_000, "{}", bomb.len());
            let error = decompressed(&bomb, 1 << 20).unwrap_err();
            assert_eq!(error.to_string(), "the content expands to more than 100 times its compressed size");
            assert_eq!(decompressed(&bomb, 20 << 20).unwrap().len(), zeros.len());
        }
    }

    #[test]
    fn a_truncated_stream_is_an_error() {
        let text = b"some text ".repeat(1000);
        for compressed in [gzip(&text), zstd(&text)] {
            for length in [5, 20, compressed.len() - 1] {
                assert!(decompressed(&compressed[..length], 1 << 20).is_err(), "{length}");
            }
        }
    }
}
