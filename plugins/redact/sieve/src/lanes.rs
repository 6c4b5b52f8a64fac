//! Sixteen bytes at once: with the target's vector instructions, and one by one where tests run.

#[cfg(target_arch = "wasm32")]
use std::arch::wasm32 as wasm;

#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy)]
pub struct Lanes(wasm::v128);

#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy)]
pub struct Lanes([u8; 16]);

#[cfg(target_arch = "wasm32")]
impl Lanes {
    pub const NONE: Self = Self(wasm::u64x2(0, 0));

    #[inline(always)]
    pub fn load(bytes: &[u8; 16]) -> Self {
        let number = u128::from_le_bytes(*bytes);
        Self(wasm::u64x2(number as u64, (number >> 64) as u64))
    }

    /// The lower and the upper four bits of each byte.
    #[inline(always)]
    pub fn halves(self) -> (Self, Self) {
        (Self(wasm::v128_and(self.0, wasm::u8x16_splat(15))), Self(wasm::u8x16_shr(self.0, 4)))
    }

    /// What a table has at each of these indices, which are below 16.
    #[inline(always)]
    pub fn looked_up(self, table: Self) -> Self {
        Self(wasm::u8x16_swizzle(table.0, self.0))
    }

    #[inline(always)]
    pub fn and(self, other: Self) -> Self {
        Self(wasm::v128_and(self.0, other.0))
    }

    #[inline(always)]
    pub fn or(self, other: Self) -> Self {
        Self(wasm::v128_or(self.0, other.0))
    }

    /// Whether a bit is set anywhere.
    #[inline(always)]
    pub fn any(self) -> bool {
        wasm::v128_any_true(self.0)
    }

    /// A bit for each byte that is a digit.
    #[inline(always)]
    pub fn digits(self) -> u16 {
        let from_zero = wasm::u8x16_sub(self.0, wasm::u8x16_splat(b'0'));
        wasm::u8x16_bitmask(wasm::u8x16_lt(from_zero, wasm::u8x16_splat(10)))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Lanes {
    pub const NONE: Self = Self([0; 16]);

    pub fn load(bytes: &[u8; 16]) -> Self {
        Self(*bytes)
    }

    /// The lower and the upper four bits of each byte.
    pub fn halves(self) -> (Self, Self) {
        (Self(self.0.map(|byte| byte & 15)), Self(self.0.map(|byte| byte >> 4)))
    }

    /// What a table has at each of these indices, which are below 16.
    pub fn looked_up(self, table: Self) -> Self {
        Self(self.0.map(|index| table.0[usize::from(index)]))
    }

    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] & other.0[lane]))
    }

    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] | other.0[lane]))
    }

    /// Whether a bit is set anywhere.
    pub fn any(self) -> bool {
        self.0 != [0; 16]
    }

    /// A bit for each byte that is a digit.
    pub fn digits(self) -> u16 {
        (0..16).fold(0, |digits, lane| digits | u16::from(self.0[lane].is_ascii_digit()) << lane)
    }
}
