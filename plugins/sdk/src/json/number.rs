//! Numbers as JSON writes them.

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Unsigned(u64),
    /// Written with a minus.
    Signed(i64),
    Float(f64),
}

impl Number {
    /// `None` for what is no number, and for one that cannot be held exactly.
    pub fn parse(word: &str) -> Option<Self> {
        let (digits, is_negative) = word.strip_prefix('-').map_or((word, false), |rest| (rest, true));
        let (mut value, mut exponent, mut is_whole) = (0u64, 0i32, true);
        for (at, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                    exponent -= i32::from(!is_whole);
                }
                b'.' if is_whole && at > 0 => is_whole = false,
                b'e' | b'E' if at > 0 => {
                    is_whole = false;
                    exponent += digits.get(at + 1..)?.parse::<i16>().map(i32::from).ok()?;
                    break;
                }
                _ => return None,
            }
        }
        match is_whole {
            _ if digits.is_empty() => None,
            true if is_negative => 0i64.checked_sub_unsigned(value).map(Self::Signed),
            true => Some(Self::Unsigned(value)),
            false => float(value, exponent).map(|number| Self::Float(if is_negative { -number } else { number })),
        }
    }
}

/// Exact where digits and power of ten are: one division or multiplication of exact numbers rounds once.
fn float(digits: u64, exponent: i32) -> Option<f64> {
    if digits >= 1_000_000_000_000_000 || exponent.unsigned_abs() > 22 {
        return None;
    }
    let (mut power, digits) = (1.0, digits as f64);
    for _ in 0..exponent.unsigned_abs() {
        power *= 10.0;
    }
    Some(if exponent < 0 { digits / power } else { digits * power })
}
