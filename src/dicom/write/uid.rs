//! Unique identifiers that follow from the content, so that the same image made again carries the same ones.

/// FNV-1a with 128 bits (Fowler, Noll and Vo; RFC 9923): not for secrets, only to tell contents apart.
#[derive(Debug, Clone, Copy)]
pub struct Content(u128);

impl Default for Content {
    fn default() -> Self {
        Content(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Content {
    /// The same content followed by these bytes.
    pub fn and(mut self, bytes: impl IntoIterator<Item = u8>) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul((1 << 88) | 0x13b);
        }
        self
    }

    /// The same content followed by these voxels.
    pub fn and_voxels(self, voxels: &[i16]) -> Self {
        self.and(voxels.iter().flat_map(|voxel| voxel.to_le_bytes()))
    }

    /// The UID of one aspect of the content (`study`, `series`, …): 2.25 and a UUID as a decimal number (PS3.5, B.2).
    /// The UUID is of version 8, "custom" (RFC 9562).
    pub fn uid(self, aspect: &str) -> String {
        let bits = self.and([0]).and(aspect.bytes()).0;
        let version = (bits & !(0xf << 76)) | (8 << 76);
        let variant = (version & !(0b11 << 62)) | (0b10 << 62);
        format!("2.25.{variant}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_the_hash() {
        assert_eq!(Content::default().and(*b"a").0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn a_uid_is_a_uuid_of_its_aspect() {
        let content = Content::default().and(*b"content");
        let uid = content.uid("study");
        assert!(uid.len() <= 64);
        let bits: u128 = uid.strip_prefix("2.25.").unwrap().parse().unwrap();
        assert_eq!((bits >> 76 & 0xf, bits >> 62 & 0b11), (8, 0b10));
        assert_ne!(uid, content.uid("series"));
        assert_eq!(uid, content.uid("study"));
    }
}
