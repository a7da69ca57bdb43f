//! The form in which a reader saves what they checked. Nothing of it is there without a script, which fills it.

use super::*;

/// The part of the page that saves; hidden until the script shows it.
pub(super) fn section(language: Language) -> Markup {
    html! {
        section #review-form aria-labelledby="review-form-h" hidden {
            h2 id="review-form-h" { (language.say("Save a review", "Enregistrer une relecture")) }
            p {
                (language.say(
                    "Accept, reject or comment slices and lesions above, and set the pain. Nothing is kept in this page: save the \
                     review as a file, and give it to the next analysis of the same series:",
                    "Acceptez, rejetez ou commentez ci-dessus les coupes et les lésions, et indiquez la douleur. Rien n’est gardé \
                     dans cette page : enregistrez la relecture dans un fichier, et donnez-le à l’analyse suivante de la même série :",
                ))
                br; code { "corticalysis analyze … --review review.json" }
            }
            div .form {
                label {
                    (language.say("Reviewer (may stay empty)", "Relecteur (facultatif)"))
                    input #reviewer type="text" maxlength="200" autocomplete="off";
                }
                button #save type="button" { (language.say("Save review.json", "Enregistrer review.json")) }
                p #review-state role="status" {}
            }
        }
    }
}
