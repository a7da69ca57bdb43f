//! Content trees of structured documents (PS3.3, C.17.3): SR and Key Object Selection.

use super::codes::Code;
use super::item::{Item, decimal};
use super::target::{MANUFACTURER, Target, VERSION};
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// How an item of content belongs to the one above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Contains,
    HasObservationContext,
    HasConceptModifier,
    HasProperties,
    HasAcquisitionContext,
}

impl Relation {
    fn word(self) -> &'static str {
        match self {
            Relation::Contains => "CONTAINS",
            Relation::HasObservationContext => "HAS OBS CONTEXT",
            Relation::HasConceptModifier => "HAS CONCEPT MOD",
            Relation::HasProperties => "HAS PROPERTIES",
            Relation::HasAcquisitionContext => "HAS ACQ CONTEXT",
        }
    }
}

/// An item of content under construction.
pub(super) struct Content {
    item: Item,
    children: Vec<Item>,
}

impl Content {
    fn new(value_type: &str, concept: Option<Code>) -> Self {
        let item = Item::new().text(tags::VALUE_TYPE, VR::CS, value_type);
        let item = match concept {
            Some(concept) => item.code(tags::CONCEPT_NAME_CODE_SEQUENCE, concept),
            None => item,
        };
        Self { item, children: Vec::new() }
    }

    /// A heading, perhaps of a template of PS3.16.
    pub fn container(concept: Code, template: Option<&str>) -> Self {
        let mut content = Self::new("CONTAINER", Some(concept));
        content.item = content.item.text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
        if let Some(template) = template {
            let named = Item::new().text(tags::MAPPING_RESOURCE, VR::CS, "DCMR").text(
                tags::TEMPLATE_IDENTIFIER,
                VR::CS,
                template,
            );
            content.item = content.item.sequence(tags::CONTENT_TEMPLATE_SEQUENCE, vec![named]);
        }
        content
    }

    pub fn code(concept: Code, value: Code) -> Self {
        let mut content = Self::new("CODE", Some(concept));
        content.item = content.item.code(tags::CONCEPT_CODE_SEQUENCE, value);
        content
    }

    pub fn text(concept: Code, value: &str) -> Self {
        let mut content = Self::new("TEXT", Some(concept));
        content.item = content.item.text(tags::TEXT_VALUE, VR::UT, value);
        content
    }

    pub fn uid(concept: Code, value: &str) -> Self {
        let mut content = Self::new("UIDREF", Some(concept));
        content.item = content.item.text(tags::UID, VR::UI, value);
        content
    }

    pub fn number(concept: Code, value: f64, unit: Code) -> Self {
        let mut content = Self::new("NUM", Some(concept));
        let measured = Item::new().code(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, unit).text(
            tags::NUMERIC_VALUE,
            VR::DS,
            &decimal(value),
        );
        content.item = content.item.sequence(tags::MEASURED_VALUE_SEQUENCE, vec![measured]);
        content
    }

    /// An image, by a reference; lists of images name no concept.
    pub fn image(concept: Option<Code>, reference: Item) -> Self {
        let mut content = Self::new("IMAGE", concept);
        content.item = content.item.sequence(tags::REFERENCED_SOP_SEQUENCE, vec![reference]);
        content
    }

    /// The same with this below it.
    pub fn and(mut self, relation: Relation, child: Content) -> Self {
        self.children.push(child.finished().text(tags::RELATIONSHIP_TYPE, VR::CS, relation.word()));
        self
    }

    /// The same with all of these below it.
    pub fn and_all(self, relation: Relation, children: impl IntoIterator<Item = Content>) -> Self {
        children.into_iter().fold(self, |content, child| content.and(relation, child))
    }

    fn finished(self) -> Item {
        match self.children.is_empty() {
            true => self.item,
            false => self.item.sequence(tags::CONTENT_SEQUENCE, self.children),
        }
    }

    /// Who observed: this program (TID 1002 and 1004).
    pub fn observed_by(self, target: &Target) -> Self {
        let device = [
            Content::code(Code::dcm("121005", "Observer Type"), Code::dcm("121007", "Device")),
            Content::uid(Code::dcm("121012", "Device Observer UID"), &target.device_uid()),
            Content::text(Code::dcm("121013", "Device Observer Name"), &format!("{MANUFACTURER} {VERSION}")),
            Content::text(Code::dcm("121014", "Device Observer Manufacturer"), MANUFACTURER),
            Content::text(Code::dcm("121015", "Device Observer Model Name"), MANUFACTURER),
        ];
        self.and_all(Relation::HasObservationContext, device)
    }

    /// The elements of a document whose root this is.
    pub fn into_document(self, document: Item) -> Item {
        let Self { mut item, children } = self;
        item = item.sequence(tags::CONTENT_SEQUENCE, children);
        document.merged(item)
    }
}
