//! A batch as it crossed to a plugin, kept for later.
use crate::bindings;

/// Bytes that are kept of one call. A call carries 4 MiB of texts, each once for every column that it is in.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// What the call of one batch carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Records; at least one.
    pub len: u32,
    /// Of the call, in nanoseconds since 1970, as all times here.
    pub now: u64,
    /// One for each record, or none.
    pub times: Vec<u64>,
    pub columns: Vec<KeptColumn>,
}

/// One field of every record, in the form of the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptColumn {
    pub text: Vec<u8>,
    pub ends: Vec<u32>,
    pub kinds: Vec<u8>,
    pub runs: Vec<u32>,
}

impl Kept {
    /// A copy; nothing of a batch that is too large to be kept.
    pub(crate) fn of(batch: &bindings::Batch<'_>) -> Option<Self> {
        let bytes = |column: &bindings::Column<'_>| {
            column.text.len() + size_of_val(column.ends) + column.kinds.len() + size_of_val(column.runs)
        };
        let bytes = batch.columns.iter().map(bytes).sum::<usize>() + size_of_val(batch.times);
        if bytes > MOST_BYTES {
            return None;
        }
        let column = |column: &bindings::Column<'_>| KeptColumn {
            text: column.text.to_vec(),
            ends: column.ends.to_vec(),
            kinds: column.kinds.to_vec(),
            runs: column.runs.to_vec(),
        };
        let columns = batch.columns.iter().map(column).collect();
        Some(Self { len: batch.len, now: batch.now, times: batch.times.to_vec(), columns })
    }

    /// Hands the batch out as it crosses.
    pub(crate) fn cross<T>(&self, take: impl FnOnce(bindings::Batch<'_>) -> T) -> T {
        let columns: Vec<_> = self.columns.iter().map(KeptColumn::view).collect();
        take(bindings::Batch { len: self.len, now: self.now, times: &self.times, columns: &columns })
    }

    /// Bytes of memory, but for a few.
    pub(super) fn weight(&self) -> usize {
        let columns = self.columns.iter();
        let bytes = columns.map(|of| of.text.len() + of.kinds.len() + 4 * (of.ends.len() + of.runs.len()));
        bytes.sum::<usize>() + 8 * self.times.len()
    }

    /// Only these records: indices, ascending.
    pub(super) fn only(&self, records: &[u32]) -> Self {
        let times = records.iter().filter_map(|record| self.times.get(*record as usize).copied());
        Self {
            len: records.len() as u32,
            now: self.now,
            times: times.collect(),
            columns: self.columns.iter().map(|column| column.only(records)).collect(),
        }
    }

    /// Whether this is a batch by the rules of the interface; the error says what is not.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { len, times, columns, .. } = self;
        if *len == 0 {
            return Err("batch.len: is 0; a batch has a record at least".into());
        }
        if !times.is_empty() && times.len() != *len as usize {
            return Err(format!("batch.times: there are {} for {len} records", times.len()));
        }
        for (index, column) in columns.iter().enumerate() {
            column.check(*len).map_err(|why| format!("batch.columns[{index}]: {why}"))?;
        }
        Ok(())
    }
}

impl KeptColumn {
    fn view(&self) -> bindings::Column<'_> {
        bindings::Column { text: &self.text, ends: &self.ends, kinds: &self.kinds, runs: &self.runs }
    }

    /// A value keeps its form: one that held for several records holds for those of them that are left.
    fn only(&self, records: &[u32]) -> Self {
        let (mut only, mut left) = (Self::default(), records.iter().copied().peekable());
        let (mut start, mut taken) = (0, 0);
        for (index, end) in self.ends.iter().copied().enumerate() {
            let until = self.runs.get(index).copied().unwrap_or(index as u32 + 1);
            let before = taken;
            while left.next_if(|record| *record < until).is_some() {
                taken += 1;
            }
            if taken > before {
                only.text.extend_from_slice(&self.text[start as usize..end as usize]);
                only.ends.push(only.text.len() as u32);
                only.kinds.extend(self.kinds.get(index));
                if !self.runs.is_empty() {
                    only.runs.push(taken);
                }
            }
            start = end;
        }
        only
    }

    fn check(&self, len: u32) -> Result<(), String> {
        let Self { text, ends, kinds, runs } = self;
        if !ends.is_sorted() || ends.last().copied().unwrap_or_default() as usize != text.len() {
            return Err(format!("its ends do not fit its {} bytes of text", text.len()));
        }
        if !kinds.is_empty() && kinds.len() != ends.len() {
            return Err(format!("there are {} kinds for {} values", kinds.len(), ends.len()));
        }
        let fits = match runs.last() {
            None => ends.len() == len as usize,
            Some(last) => *last == len && runs.len() == ends.len() && runs.is_sorted_by(|a, b| a < b) && runs[0] > 0,
        };
        if fits { Ok(()) } else { Err(format!("its {} values are not those of {len} records", ends.len())) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Three records: a field with a value each, one that is the same for the first two, and one that is nowhere.
    pub fn three() -> Kept {
        let column = |text: &str, ends: &[u32], kinds: &[u8], runs: &[u32]| KeptColumn {
            text: text.into(),
            ends: ends.into(),
            kinds: kinds.into(),
            runs: runs.into(),
        };
        let each = column("a1b", &[1, 2, 3], &[2, 3, 2], &[]);
        let runs = column("xyz", &[2, 3], &[], &[2, 3]);
        let absent = column("", &[0], &[0], &[3]);
        Kept { len: 3, now: 7, times: vec![10, 20, 30], columns: vec![each, runs, absent] }
    }

    #[test]
    fn what_is_left_reads_as_before() {
        let all = three();
        assert_eq!(all.check(), Ok(()));
        assert_eq!(all.only(&[0, 1, 2]), all);
        let second = all.only(&[1]);
        assert_eq!((second.len, second.now, &*second.times, second.check()), (1, 7, &[20][..], Ok(())));
        let texts: Vec<_> =
            second.columns.iter().map(|column| (&*column.text, &*column.kinds, &*column.runs)).collect();
        assert_eq!(texts, [(&b"1"[..], &[3][..], &[][..]), (b"xy", &[], &[1]), (b"", &[0], &[1])]);
        let ends = all.only(&[0, 2]);
        assert_eq!((ends.check(), &*ends.columns[1].text, &*ends.columns[1].runs), (Ok(()), &b"xyz"[..], &[1, 2][..]));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        let broken = |change: fn(&mut Kept)| {
            let mut batch = three();
            change(&mut batch);
            batch.check().unwrap_err()
        };
        for (change, expect) in [
            ((|batch| batch.len = 0) as fn(&mut Kept), "batch.len: is 0"),
            (|batch| batch.len = 2, "batch.times: there are 3 for 2 records"),
            (|batch| batch.times.truncate(1), "batch.times: there are 1 for 3 records"),
            (|batch| batch.columns[0].ends[1] = 9, "batch.columns[0]: its ends do not fit"),
            (|batch| batch.columns[0].text.truncate(1), "batch.columns[0]: its ends do not fit its 1 bytes"),
            (|batch| batch.columns[0].kinds.truncate(1), "batch.columns[0]: there are 1 kinds for 3 values"),
            (|batch| batch.columns[0].runs = vec![3], "batch.columns[0]: its 3 values are not those of 3 records"),
            (|batch| batch.columns[1].runs = vec![0, 3], "batch.columns[1]: its 2 values are not those of 3 records"),
            (|batch| batch.columns[1].runs = vec![2, 4], "batch.columns[1]: its 2 values"),
            (|batch| batch.columns[1].runs.clear(), "batch.columns[1]: its 2 values"),
        ] {
            let why = broken(change);
            assert!(why.starts_with(expect), "{expect}: {why}");
        }
    }
}
