//! The rule of CT-based structural rigidity analysis.

use super::rule_table::RIGIDITY_PERCENT;
use super::rules::{NO_LESION, RuleName, RuleResult, RuleValue};
use super::verdict::Verdict;
use crate::estimate::Estimate;

/// Reductions of axial, bending and torsional rigidity at one section, percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SectionLoss {
    /// Position of the section in the patient frame, millimetres.
    pub z_mm: f64,
    pub reductions_percent: [Estimate; 3],
}

/// `rigidity`: a reduction of 35 % or more of any of the three at any section that a lesion touches.
///
/// `sections` are those that were measured, `None` where rigidity was not measured at all. Without a lesion (no section) the
/// rule is not met; `has_lesions` with no measured section leaves it open.
pub fn rigidity(sections: Option<&[SectionLoss]>, has_lesions: bool) -> RuleResult {
    let largest = |n: usize| -> Option<Estimate> {
        sections?
            .iter()
            .map(|section| section.reductions_percent[n])
            .reduce(|a, b| if b.value > a.value { b } else { a })
    };
    let verdict = |n: usize| {
        let all = sections.unwrap_or_default().iter();
        Verdict::any(all.map(|section| Verdict::at_least(section.reductions_percent[n], RIGIDITY_PERCENT)))
    };
    let worst = |section: &SectionLoss| section.reductions_percent.iter().map(|r| r.value).fold(0.0, f64::max);
    let weakest = sections.unwrap_or_default().iter().reduce(|a, b| if worst(b) > worst(a) { b } else { a });
    let met = match (sections, has_lesions) {
        (None, _) => Verdict::NotEvaluated,
        (Some(_), false) => Verdict::NotMet,
        (Some(_), true) => Verdict::any([0, 1, 2].map(verdict)),
    };
    // Numbers given without an image have no place.
    let weakest_z_mm = weakest.map(|section| section.z_mm).filter(|z| z.is_finite());
    let notes = match (sections, has_lesions) {
        (Some(_), false) => vec![NO_LESION.into()],
        _ => Vec::new(),
    };
    let values = vec![
        ("axial_rigidity_reduction_percent", largest(0).into()),
        ("bending_rigidity_reduction_percent", largest(1).into()),
        ("torsional_rigidity_reduction_percent", largest(2).into()),
        ("weakest_section_z_mm", weakest_z_mm.map_or(RuleValue::Missing, RuleValue::Number)),
    ];
    RuleResult::new(RuleName::Rigidity, met, values, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(z_mm: f64, reductions: [(f64, f64, f64); 3]) -> SectionLoss {
        SectionLoss { z_mm, reductions_percent: reductions.map(|(value, low, high)| Estimate { value, low, high }) }
    }

    #[test]
    fn any_of_the_three_decides_and_doubt_is_kept() {
        let certain = section(1.0, [(20.0, 18.0, 22.0), (30.0, 28.0, 33.0), (40.0, 36.0, 45.0)]);
        let open = section(2.0, [(20.0, 18.0, 22.0), (34.0, 30.0, 38.0), (30.0, 28.0, 33.0)]);
        let below = section(3.0, [(20.0, 18.0, 22.0); 3]);
        let met = |sections: &[SectionLoss]| rigidity(Some(sections), true).met;
        assert_eq!(met(&[below, certain]), Verdict::Met);
        assert_eq!(met(&[below, open]), Verdict::Indeterminate);
        assert_eq!(met(&[below]), Verdict::NotMet);
        let result = rigidity(Some(&[below, open, certain]), true);
        assert_eq!(result.values.get("weakest_section_z_mm"), Some(RuleValue::Number(1.0)));
        assert_eq!(
            result.values.get("bending_rigidity_reduction_percent"),
            Some(RuleValue::Estimate(Estimate { value: 34.0, low: 30.0, high: 38.0 }))
        );
    }

    #[test]
    fn thirty_five_counts() {
        let exact = section(0.0, [(35.0, 35.0, 35.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]);
        assert_eq!(rigidity(Some(&[exact]), true).met, Verdict::Met);
    }

    #[test]
    fn without_lesion_it_is_not_met_and_without_measurement_not_asked() {
        assert_eq!(rigidity(Some(&[]), false).met, Verdict::NotMet);
        assert_eq!(rigidity(Some(&[]), true).met, Verdict::NotEvaluated);
        assert_eq!(rigidity(None, true).met, Verdict::NotEvaluated);
    }
}
