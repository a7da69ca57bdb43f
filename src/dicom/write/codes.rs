//! Coded words: SNOMED CT and the codes of DICOM itself where there is one, else this program's own.
//!
//! Codes and their meanings are those of PS3.16 as pydicom 3.0 ships it (`pydicom.sr.codedict`); no code stands here that is not in
//! that list, but for those of the private scheme.

use super::item::Item;
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// Designator of the private scheme: "99" says that it is one (PS3.16, 8.2).
pub const PRIVATE_SCHEME: &str = "99CORTICALYSIS";

/// A word with its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// At most 16 characters.
    pub value: &'static str,
    /// Coding scheme designator.
    pub scheme: &'static str,
    /// At most 64 characters.
    pub meaning: &'static str,
}

impl Code {
    /// SNOMED CT.
    pub const fn sct(value: &'static str, meaning: &'static str) -> Self {
        Self { value, scheme: "SCT", meaning }
    }

    /// DICOM's own.
    pub const fn dcm(value: &'static str, meaning: &'static str) -> Self {
        Self { value, scheme: "DCM", meaning }
    }

    /// A unit of measurement.
    pub const fn ucum(value: &'static str, meaning: &'static str) -> Self {
        Self { value, scheme: "UCUM", meaning }
    }

    /// For what no public scheme has a code.
    pub const fn private(value: &'static str, meaning: &'static str) -> Self {
        Self { value, scheme: PRIVATE_SCHEME, meaning }
    }

    /// The code as an item of a code sequence.
    pub(crate) fn item(self) -> Item {
        Item::new()
            .text(tags::CODE_VALUE, VR::SH, self.value)
            .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, self.scheme)
            .text(tags::CODE_MEANING, VR::LO, self.meaning)
    }
}

pub const ANATOMICAL_STRUCTURE: Code = Code::sct("91723000", "Anatomical Structure");
pub const TISSUE: Code = Code::sct("85756007", "Tissue");
pub const MORPHOLOGICALLY_ABNORMAL: Code = Code::sct("49755003", "Morphologically Abnormal Structure");
pub const LESION: Code = Code::sct("52988006", "Lesion");
pub const BONE: Code = Code::sct("272673000", "Bone");
pub const FEMUR: Code = Code::sct("71341001", "Femur");
pub const TIBIA: Code = Code::sct("12611008", "Tibia");
pub const FIBULA: Code = Code::sct("87342007", "Fibula");
pub const HUMERUS: Code = Code::sct("85050009", "Humerus");
pub const RADIUS: Code = Code::sct("62413002", "Radius");
pub const ULNA: Code = Code::sct("23416004", "Ulna");
pub const LEFT: Code = Code::sct("7771000", "Left");
pub const RIGHT: Code = Code::sct("24028007", "Right");
pub const LATERALITY: Code = Code::sct("272741003", "Laterality");
pub const FINDING_SITE: Code = Code::sct("363698007", "Finding Site");
pub const MAXIMUM: Code = Code::sct("56851009", "Maximum");
/// PS3.16 lists no code for it.
pub const CORTICAL_BONE: Code = Code::private("cortical-bone", "Cortical bone");

pub const MILLIMETRE: Code = Code::ucum("mm", "mm");
pub const PERCENT: Code = Code::ucum("%", "Percent");
pub const UNITLESS: Code = Code::ucum("1", "no units");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_scheme_has_a_name_that_fits() {
        assert!(PRIVATE_SCHEME.starts_with("99") && PRIVATE_SCHEME.len() <= 16);
        assert!(CORTICAL_BONE.value.len() <= 16);
    }
}
