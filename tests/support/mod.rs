//! What several integration tests share.

pub mod cut_defects;
pub mod defect_truth;
pub mod dicom_image;
pub mod neck;
pub mod nifti_file;
pub mod oriented;
pub mod phantom_comparison;
pub mod prism;
pub mod prism_cases;
pub mod program;
pub mod real_ct;
pub mod region_objects;
pub mod rigidity_page;
pub mod rigidity_truth;
pub mod validators;
pub mod wedge;
