//! Evaluates inputs on several threads, and returns the results in the order of the inputs.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;

/// Inputs per thread that may be in work or wait for an earlier input. It bounds memory.
const IN_FLIGHT_PER_THREAD: usize = 16;

/// Applies a function to every input on several threads, and passes the results on in the order of the inputs. At most a fixed number
/// of inputs is in memory.
///
/// # Errors
///
/// The first error of `next`. The remaining inputs are dropped.
pub fn in_order<I, R>(
    inputs: impl Iterator<Item = I> + Send,
    threads: usize,
    function: impl Fn(I) -> R + Sync,
    mut next: impl FnMut(R) -> io::Result<()>,
) -> io::Result<()>
where
    I: Send,
    R: Send,
{
    if threads <= 1 {
        return inputs.map(function).try_for_each(next);
    }
    let limit = threads.saturating_mul(IN_FLIGHT_PER_THREAD);
    let (permits, permitted) = sync_channel::<()>(limit);
    let (work, queue) = sync_channel::<(usize, I)>(limit);
    let queue = Mutex::new(queue);
    let (done, results) = channel::<(usize, R)>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for input in inputs.enumerate() {
                // The other end is dropped if the results cannot be written.
                if permits.send(()).is_err() || work.send(input).is_err() {
                    return;
                }
            }
        });
        for _ in 0..threads {
            let (done, queue, function) = (done.clone(), &queue, &function);
            scope.spawn(move || {
                while let Some((number, input)) = take(queue) {
                    if done.send((number, function(input))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let written = reorder(&results, &permitted, &mut next);
        // Unblocks the other threads.
        drop((results, permitted));
        written
    })
}

fn take<I>(queue: &Mutex<Receiver<(usize, I)>>) -> Option<(usize, I)> {
    queue.lock().ok()?.recv().ok()
}

fn reorder<R>(
    results: &Receiver<(usize, R)>,
    permitted: &Receiver<()>,
    next: &mut impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let mut early: BTreeMap<usize, R> = BTreeMap::new();
    let mut expected = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&expected) {
            expected += 1;
            next(result)?;
            // Lets the reader go on.
            let _ = permitted.recv();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_have_the_order_of_the_inputs() {
        for threads in [1, 2, 5] {
            let mut results = Vec::new();
            let slow_first = |number: u64| {
                thread::sleep(Duration::from_micros(if number.is_multiple_of(7) { 300 } else { 0 }));
                number * 2
            };
            in_order(0..200, threads, slow_first, |result| {
                results.push(result);
                Ok(())
            })
            .unwrap();
            assert_eq!(results, (0..200).map(|number| number * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_stops_the_evaluation() {
        for threads in [1, 3] {
            let evaluated = AtomicUsize::new(0);
            let result = in_order(
                0..1_000_000,
                threads,
                |number| {
                    evaluated.fetch_add(1, Ordering::Relaxed);
                    number
                },
                |number| if number == 5 { Err(io::Error::other("full")) } else { Ok(()) },
            );
            assert_eq!(result.unwrap_err().to_string(), "full");
            assert!(evaluated.load(Ordering::Relaxed) < 1_000);
        }
    }

    #[test]
    fn few_inputs_are_in_memory() {
        let read = AtomicUsize::new(0);
        let mut written = 0;
        let inputs = (0..5_000).inspect(|_| {
            read.fetch_add(1, Ordering::Relaxed);
        });
        in_order(
            inputs,
            2,
            |number| number,
            |_| {
                written += 1;
                let ahead = read.load(Ordering::Relaxed) - written;
                assert!(ahead <= 2 * IN_FLIGHT_PER_THREAD + 2, "{ahead}");
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(written, 5_000);
    }

    #[test]
    fn no_input_is_no_result() {
        in_order(std::iter::empty::<u8>(), 2, |number| number, |_| Err(io::Error::other("called"))).unwrap();
    }
}
