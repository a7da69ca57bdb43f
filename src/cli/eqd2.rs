//! `corticalysis eqd2`: fractionation schedules side by side.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::report::Lines;
use crate::scores::DISCLAIMER;
use crate::scores::eqd2::{
    AlphaBeta, Course, EQD2_CONVENTIONS, EQD2_NOTES, EQD2_SOURCE, LATE_ALPHA_BETA_GY, Schedule, TUMOUR_ALPHA_BETA_GY,
    Tissue,
};

pub(super) const HELP: &str = "\
Examples:
  corticalysis eqd2                                   (30 Gy in 10, 24 in 6, 20 in 5, 8 in 1)
  corticalysis eqd2 30/10 '8 Gy in 1'
  corticalysis eqd2 30/10+20/5 --alpha-beta cord      (a second course on the same cord)
  corticalysis eqd2 37,5/15 --alpha-beta tumour=8 --alpha-beta prostate=1.5

BED = D (1 + d / (α/β)), EQD2 = D (d + α/β) / (2 + α/β); D total dose, d dose per fraction. All in Gy.

Exit status:
  0  worked out
  2  the command line is wrong";

/// Arguments of `eqd2`.
#[derive(Debug, Args)]
pub struct Eqd2Args {
    /// Total dose in Gy and number of fractions, as 30/10 or '30 Gy in 10'; courses to be summed joined by '+' [default: the
    /// recommendation's four schedules]
    #[arg(value_name = "SCHEDULE")]
    schedules: Vec<Schedule>,
    /// α/β in Gy, instead of tumour 10, late 3 and cord 0.87: a number, name=number, tumour, late or cord; may be repeated
    #[arg(long, value_name = "[NAME=]GY", allow_hyphen_values = true)]
    alpha_beta: Vec<Tissue>,
    /// Print the doses as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Eqd2Output {
    schema: &'static str,
    disclaimer: &'static str,
    sentence: String,
    schedules: Vec<ScheduleOutput>,
    notes: Vec<&'static str>,
    source: &'static str,
}

#[derive(Serialize)]
struct ScheduleOutput {
    name: String,
    courses: Vec<CourseOutput>,
    dose_gy: f64,
    tissues: Vec<DoseOutput>,
}

#[derive(Serialize)]
struct CourseOutput {
    dose_gy: f64,
    fractions: u32,
    dose_per_fraction_gy: f64,
}

#[derive(Serialize)]
struct DoseOutput {
    tissue: String,
    alpha_beta_gy: AlphaBeta,
    bed_gy: f64,
    eqd2_gy: f64,
}

/// Works out and prints on `out`.
pub fn run(args: &Eqd2Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let schedules = if args.schedules.is_empty() { Schedule::of_the_recommendation() } else { args.schedules.clone() };
    let tissues = if args.alpha_beta.is_empty() { Tissue::usual() } else { args.alpha_beta.clone() };
    if args.json {
        let output = Eqd2Output {
            schema: "corticalysis/eqd2/v1",
            disclaimer: DISCLAIMER,
            sentence: sentence(&schedules, &tissues),
            schedules: schedules.iter().map(|schedule| schedule_output(schedule, &tissues)).collect(),
            notes: notes(&tissues),
            source: EQD2_SOURCE,
        };
        serde_json::to_writer_pretty(&mut *out, &output)?;
        writeln!(out)?;
    } else {
        out.write_all(text(&schedules, &tissues).as_bytes())?;
    }
    Ok(())
}

fn schedule_output(schedule: &Schedule, tissues: &[Tissue]) -> ScheduleOutput {
    let course = |course: &Course| CourseOutput {
        dose_gy: course.dose_gy,
        fractions: course.fractions,
        dose_per_fraction_gy: course.dose_per_fraction_gy(),
    };
    let tissue = |tissue: &Tissue| DoseOutput {
        tissue: tissue.name.clone(),
        alpha_beta_gy: tissue.alpha_beta_gy,
        bed_gy: schedule.bed_gy(tissue.alpha_beta_gy),
        eqd2_gy: schedule.eqd2_gy(tissue.alpha_beta_gy),
    };
    ScheduleOutput {
        name: schedule.to_string(),
        courses: schedule.courses().iter().map(course).collect(),
        dose_gy: schedule.dose_gy(),
        tissues: tissues.iter().map(tissue).collect(),
    }
}

/// "30 Gy in 10: EQD2 32.5 Gy for tumour (α/β 10), …" for one schedule; for several, which weighs most for each tissue.
fn sentence(schedules: &[Schedule], tissues: &[Tissue]) -> String {
    let tissue_words = |tissue: &Tissue| format!("{} (α/β {})", tissue.name, tissue.alpha_beta_gy.gy());
    if let [schedule] = schedules {
        let doses: Vec<String> = tissues
            .iter()
            .map(|tissue| format!("{:.1} Gy for {}", schedule.eqd2_gy(tissue.alpha_beta_gy), tissue_words(tissue)))
            .collect();
        return format!("{schedule}: EQD2 {}.", doses.join(", "));
    }
    let most: Vec<String> = tissues
        .iter()
        .filter_map(|tissue| {
            let eqd2 = |schedule: &&Schedule| schedule.eqd2_gy(tissue.alpha_beta_gy);
            let heaviest = schedules.iter().max_by(|a, b| eqd2(a).total_cmp(&eqd2(b)))?;
            Some(format!("for {} {heaviest} (EQD2 {:.1} Gy)", tissue_words(tissue), eqd2(&heaviest)))
        })
        .collect();
    format!("Of these {} schedules the heaviest is: {}.", schedules.len(), most.join(", "))
}

/// What limits the numbers; the conventional ratios are owned up to where one of them was used.
fn notes(tissues: &[Tissue]) -> Vec<&'static str> {
    let conventional =
        tissues.iter().any(|tissue| [TUMOUR_ALPHA_BETA_GY, LATE_ALPHA_BETA_GY].contains(&tissue.alpha_beta_gy.gy()));
    conventional.then_some(EQD2_CONVENTIONS).into_iter().chain(EQD2_NOTES).collect()
}

/// Width of a tissue's two columns.
const TISSUE_COLUMNS: usize = 18;
/// What is left of 80 columns beside three tissues; a longer sum has its numbers on the next line.
const NAME_COLUMNS: usize = 26;

fn text(schedules: &[Schedule], tissues: &[Tissue]) -> String {
    let mut lines = Lines::default();
    lines.paragraph(0, &sentence(schedules, tissues));
    // As many tissues a table as stand side by side on a terminal.
    for tissues in tissues.chunks(3) {
        lines.blank();
        let columns = |cell: &dyn Fn(&Tissue) -> String| -> String {
            tissues.iter().map(|tissue| format!("{:>TISSUE_COLUMNS$}", cell(tissue))).collect()
        };
        let mut row = |name: &str, cells: String| {
            if name.chars().count() > NAME_COLUMNS {
                lines.text += &format!("{name}\n{:NAME_COLUMNS$}{cells}\n", "");
            } else {
                lines.text += &format!("{name:NAME_COLUMNS$}{cells}\n");
            }
        };
        row("Gy", columns(&|tissue| tissue.name.clone()));
        row("", columns(&|tissue| format!("α/β {}", tissue.alpha_beta_gy.gy())));
        row("", columns(&|_| format!("{:>9}{:>8}", "BED", "EQD2")));
        for schedule in schedules {
            let dose = |tissue: &Tissue| {
                let alpha_beta = tissue.alpha_beta_gy;
                format!("{:>9.1}{:>8.1}", schedule.bed_gy(alpha_beta), schedule.eqd2_gy(alpha_beta))
            };
            row(&schedule.to_string(), columns(&dose));
        }
    }
    lines.blank();
    for note in notes(tissues) {
        lines.paragraph(0, note);
    }
    lines.paragraph(0, &format!("Source: {EQD2_SOURCE}."));
    lines.paragraph(0, DISCLAIMER);
    lines.text
}
