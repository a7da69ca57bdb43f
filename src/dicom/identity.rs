//! Name and identifier of the patient, read only where they are asked for.
//!
//! Nothing else of this library keeps them: no header type has a place for them.

use super::elements::Extent;
use super::header::parse;
use super::series::Series;
use super::source::open;
use dicom_dictionary_std::tags;

/// Who the patient is, as the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatientIdentity {
    /// Patient's Name, its components with spaces between.
    pub name: String,
    /// Patient ID.
    pub id: String,
}

impl Series {
    /// Reads name and ID from the lowest image; `None` where it cannot be read.
    pub fn identity(&self) -> Option<PatientIdentity> {
        let source = self.images().iter().flatten().next()?;
        let file = open(&source.path, source.packed.as_ref()).ok()?;
        let (elements, _) = parse(file, Extent::Identity).ok()??;
        let name = elements.text(tags::PATIENT_NAME).unwrap_or_default();
        let name = name.split(['^', '=']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Some(PatientIdentity { name, id: elements.text(tags::PATIENT_ID).unwrap_or_default() })
    }
}
