//! The rules of one bone as a table: value, interval, threshold, verdict, source.

use super::super::rule_words::{Quantity, quantities};
use super::*;
use crate::scores::rule_table::rule_named;

/// One body of rows a rule: a row a quantity, then what the rule is and where it comes from over the whole width.
pub(super) fn table(language: Language, bone: &BoneReport) -> Markup {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    let cells = |quantity: &Quantity| {
        html! {
            td { (words::capitalised(&quantity.name)) }
            td .num .nowrap { (or_dash(&quantity.value)) }
            td .num .nowrap { (or_dash(&quantity.ci95)) }
            td .num .nowrap { (or_dash(&quantity.threshold)) }
        }
    };
    let no_cells = || html! { td { "–" } td .num { "–" } td .num { "–" } td .num { "–" } };
    scrolling(
        &language.say("Rules", "Critères"),
        html! {
            table {
                thead { tr {
                    th scope="col" { (language.say("Rule", "Critère")) }
                    th scope="col" { (language.say("Quantity", "Grandeur")) }
                    th scope="col" .num { (language.say("Value", "Valeur")) }
                    th scope="col" .num { (language.say("95 % interval", "Intervalle à 95 %")) }
                    th scope="col" .num { (language.say("Threshold", "Seuil")) }
                    th scope="col" .verdicts { (language.say("Verdict", "Verdict")) }
                } }
                @for rule in &bone.rules {
                    @let quantities = quantities(language, bone, rule);
                    @let height = quantities.len().max(1);
                    tbody {
                        tr {
                            th scope="rowgroup" rowspan=(height + 1) { (words::rule_title(language, &rule.name)) }
                            @match quantities.first() { Some(quantity) => (cells(quantity)), None => (no_cells()) }
                            td .verdicts rowspan=(height) { (verdict(language, rule.met)) }
                        }
                        @for quantity in quantities.iter().skip(1) { tr { (cells(quantity)) } }
                        tr { td .prose colspan="5" { (prose(language, rule)) } }
                    }
                }
            }
        },
    )
}

fn prose(language: Language, rule: &RuleReport) -> Markup {
    let criterion = words::capitalised(&rule.criterion.of(language).replace(">=", "≥"));
    html! {
        p { (spoken(language, &rule.criterion, &criterion)) "." }
        @for note in &rule.notes { p .source { (sentence(language, note)) } }
        p .source { (language.say("Source: ", "Source : ")) cite { (sentence(language, &rule.source)) } }
        (published(language, &rule.name))
    }
}

/// How well the rule did where it was studied, folded away; nothing for a rule of another version of the program.
fn published(language: Language, rule: &str) -> Markup {
    let Some(rule) = rule_named(rule) else { return html! {} };
    html! {
        details {
            summary {
                (language.say(
                    "In whom it was studied, and how well it did",
                    "Chez qui le critère a été étudié, et avec quel résultat",
                ))
            }
            p .source { (rule.population.of(language)) }
            @for study in rule.accuracy { p .source { (study.line(language)) "." } }
            @for note in rule.accuracy_notes { p .source { (note.of(language)) } }
        }
    }
}
