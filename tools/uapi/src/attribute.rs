// SPDX-License-Identifier: GPL-2.0-or-later
//! Netlink attributes, as bytes.

/// `NLA_F_NESTED`, in a number: there are attributes inside.
pub const NESTED: u32 = 0x8000;

/// The header of an attribute that has so many bytes.
pub fn header(number: u32, length: usize) -> [u8; 4] {
    let [length, number] = [(length + 4) as u16, number as u16].map(u16::to_ne_bytes);
    [length[0], length[1], number[0], number[1]]
}

/// A source of attributes by number.
pub trait Attributes {
    /// The payload of the attribute, if the kernel sent it.
    fn payload(&self, number: u32) -> Option<&[u8]>;

    /// The attribute as a number of 32 bits.
    fn u32(&self, number: u32) -> Option<u32> {
        self.payload(number)?
            .first_chunk()
            .map(|b| u32::from_ne_bytes(*b))
    }

    /// The attribute as a number of 64 bits.
    fn u64(&self, number: u32) -> Option<u64> {
        self.payload(number).and_then(u64_of)
    }
}

/// The payload of an attribute as a number of 64 bits.
pub fn u64_of(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().map(|b| u64::from_ne_bytes(*b))
}

/// The attributes inside an attribute, in the order of the message.
#[derive(Clone, Copy)]
pub struct Nested<'a>(pub &'a [u8]);

impl<'a> Iterator for Nested<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const HEADER: usize = 4;
        // Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
        const TYPE_MASK: u16 = 0x3fff;

        let length = usize::from(u16::from_ne_bytes(*self.0.first_chunk()?));
        let number = u16::from_ne_bytes(*self.0.get(2..)?.first_chunk()?) & TYPE_MASK;
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((number.into(), payload))
    }
}

impl Attributes for Nested<'_> {
    fn payload(&self, number: u32) -> Option<&[u8]> {
        self.clone().find(|(n, _)| *n == number).map(|(_, p)| p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_whole_and_stops_at_what_is_not() {
        let mut bytes = Vec::new();
        bytes.extend(5u16.to_ne_bytes());
        bytes.extend(0x8001u16.to_ne_bytes());
        bytes.extend([7, 0, 0, 0]);
        bytes.extend(12u16.to_ne_bytes());
        bytes.extend(2u16.to_ne_bytes());
        bytes.extend(9u64.to_ne_bytes());
        let nested = Nested(&bytes);
        assert_eq!(nested.payload(1), Some(&[7][..]));
        assert_eq!(nested.u64(2), Some(9));
        assert_eq!(nested.u32(1), None, "one byte is no u32");
        assert_eq!(nested.u32(3), None);

        for cut in 0..bytes.len() {
            let whole = Nested(&bytes[..cut]).count();
            assert_eq!(whole, usize::from(cut >= 5), "cut at {cut}");
        }
        let zero_length = [0u8; 8];
        assert_eq!(Nested(&zero_length).count(), 0);
    }
}
