//! Radius and ulna told apart.
//!
//! Towards the hand the radius grows and the ulna tapers, towards the elbow the other way round (Preterms et al., SA Orthop J 2021; the ulna is 17 mm
//! wide behind the elbow and 12 mm above its head, the radius 14 mm and 16 mm and more). The course of both sections therefore says which is
//! which as soon as it is known which end is the elbow's, and that only what lies beyond the ends says: the shaft of a humerus, or a hand.
//! Both ends look alike otherwise: at either one bone is large and the other small.

use super::BoneName;
use super::bones::{THIGH_MM, WIDER_THAN_ARMS_MM, Widths};
use super::shafts::{BONE_HU, MIN_LENGTH_MM, Shaft, course_mm, distance};
use super::skin::{Depth, skin_mm};
use crate::smoothing::median;
use crate::volume::{Section, Volume, sections};

/// Both must be seen side by side over at least this, mm.
const SHARED_MM: f64 = 40.0;
/// Least change of the logarithm of the ratio of both sections from one end of what is seen to the other, and how far in favour of each bone it
/// must end where its end is seen. By the dimensions above the ratio changes by 0.6 from 35 to 75 mm below the tip of the olecranon, by 0.4 from
/// there to the middle and by 1 from there to the wrist.
const COURSE: f64 = 0.2;
const LARGER: f64 = 0.15;
/// Between rings further apart than this a bone may have ended and another begun, mm.
const GAP_MM: f64 = 20.0;
/// A humerus beyond the elbow: between these diameters, mm, or a little wider under no more soft tissue than an arm has; its first ring no further along the arm, nor beside the course of the forearm, mm.
const HUMERUS_MM: [f64; 2] = [14.0, 26.5];
const ELBOW_MM: f64 = 130.0;
const BESIDE_MM: f64 = 30.0;
/// By how much more for each mm along the arm: an elbow is seldom straight.
const BENT: f64 = 0.3;
/// It shares no more slices with the forearm than this, mm: the olecranon, no arm folded back.
const OVERLAP_MM: f64 = 25.0;
/// A hand is at least four bones beside each other, none of them larger than this, mm², over at least this along the arm, mm.
const HAND_BONES: usize = 4;
const HAND_BONE_MM2: [f64; 2] = [25.0, 450.0];
const HAND_LENGTH_MM: f64 = 15.0;
/// It lies within this of the forearm's course, and nothing else within that, mm. Ribs beside an elbow are not alone.
const HAND_MM: f64 = 60.0;
const ALONE_MM: f64 = 120.0;
/// How far beyond the forearm's rings a hand is looked for, mm.
const HAND_WITHIN_MM: f64 = 130.0;
/// The ulna's edge lies under the skin; a bone that is this much deeper than the other, near the elbow, is not it, mm.
const DEEPER_MM: f64 = 4.0;

/// Fewest slices with a hand's bones that cut a forearm off.
const HAND_SLICES: usize = 3;

/// Takes the rings of carpals, which lie in line with radius and ulna, off two thin shafts beside each other: those in and beyond the slices that show
/// the bones of a hand. What would leave less than a shaft is left as it is.
pub(super) fn cut_off_hand(volume: &Volume<i16>, shafts: &mut [Shaft], pair: [usize; 2]) {
    let dz = volume.grid.spacing_mm.z;
    let rows = shared(pair.map(|n| &shafts[n]));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    let spans = pair.map(|n| shafts[n].span());
    let (low, high) = (spans[0].0.min(spans[1].0), spans[0].1.max(spans[1].1));
    let is_hand = |k: usize| {
        let near = rows.partition_point(|row| row.k < k).min(rows.len() - 1);
        let pieces = sections(volume, k, BONE_HU, HAND_BONE_MM2[0]);
        let areas: Vec<f64> = pieces
            .iter()
            .filter(|piece| distance(rows[near].middle_mm, piece.centroid_mm) < HAND_MM)
            .map(|piece| piece.filled_area_mm2)
            .collect();
        areas.len() >= HAND_BONES && areas.iter().all(|area| *area <= HAND_BONE_MM2[1])
    };
    let middle = (first.k + last.k) / 2;
    let hand = |slices: std::ops::RangeInclusive<usize>| slices.filter(|k| is_hand(*k)).collect::<Vec<usize>>();
    let (below, above) = (hand(low..=middle), hand(middle + 1..=high));
    let from = below.last().filter(|_| below.len() >= HAND_SLICES).map_or(0, |k| k + 1);
    let to = above.first().filter(|_| above.len() >= HAND_SLICES).map_or(usize::MAX, |k| k - 1);
    for n in pair {
        let rings = &shafts[n].rings;
        let kept = rings.partition_point(|ring| ring.k < from)..rings.partition_point(|ring| ring.k <= to);
        if kept.len() >= HAND_SLICES && course_mm(&rings[kept.clone()], dz) >= MIN_LENGTH_MM {
            shafts[n].rings = rings[kept].to_vec();
        }
    }
}

/// A slice that shows a ring of both shafts.
struct Row {
    k: usize,
    /// The middle between both, in-plane mm.
    middle_mm: [f64; 2],
    /// Logarithm of the first one's section over the other's.
    ratio: f64,
}

/// The slices in which both shafts have a ring.
fn shared(both: [&Shaft; 2]) -> Vec<Row> {
    let row = |ring: &Section| {
        let other = both[1].ring_at(ring.k)?;
        Some(Row {
            k: ring.k,
            middle_mm: [0, 1].map(|a| 0.5 * (ring.centroid_mm[a] + other.centroid_mm[a])),
            ratio: (ring.filled_area_mm2 / other.filled_area_mm2).ln(),
        })
    };
    both[0].rings.iter().filter_map(row).collect()
}

/// What lies beyond one end of a forearm.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Beyond {
    /// With the humerus that goes on there.
    Elbow(usize),
    Wrist,
    Nothing,
}

/// What two thin shafts beside each other are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forearm {
    /// Of the first and the second one.
    pub names: [BoneName; 2],
    /// How sure they are, 0 to 1.
    pub sure: f64,
    pub reason: &'static str,
    /// The shaft that goes on beyond the elbow, where that is seen.
    pub humerus: Option<usize>,
}

/// Names of two thin shafts beside each other; the reason where they are not told apart.
pub(super) fn radius_and_ulna(
    volume: &Volume<i16>,
    shafts: &[Shaft],
    pair: [usize; 2],
) -> Result<Forearm, &'static str> {
    let both = pair.map(|n| &shafts[n]);
    if both.iter().any(|shaft| shaft.cut_everywhere || shaft.stub) {
        return Err("the image shows too little of one");
    }
    let arm = Arm::of(volume, both).ok_or("too little of both is seen side by side")?;
    if others_beside(volume, shafts, pair) {
        return Err("a third bone lies beside them");
    }
    let found = [false, true].map(|upper| beyond(volume, shafts, pair, &arm, upper));
    let (elbow_up, sure, reason) = match found {
        [Beyond::Elbow(_), Beyond::Wrist] => (false, 0.95, "elbow and hand are seen"),
        [Beyond::Wrist, Beyond::Elbow(_)] => (true, 0.95, "elbow and hand are seen"),
        [Beyond::Elbow(_), Beyond::Nothing] => (false, 0.9, "the elbow is seen"),
        [Beyond::Nothing, Beyond::Elbow(_)] => (true, 0.9, "the elbow is seen"),
        [Beyond::Wrist, Beyond::Nothing] => (true, 0.9, "the hand is seen"),
        [Beyond::Nothing, Beyond::Wrist] => (false, 0.9, "the hand is seen"),
        [Beyond::Nothing, Beyond::Nothing] => return Err("neither elbow nor hand is seen"),
        _ => return Err("both ends look alike"),
    };
    // Logarithm of the first one's section over the other's, towards the elbow and towards the hand.
    let [elbow, hand] = if elbow_up { [arm.ratio[1], arm.ratio[0]] } else { arm.ratio };
    if (elbow - hand).abs() < COURSE {
        return Err("neither grows against the other");
    }
    let first_is_ulna = elbow > hand;
    let towards = |ratio: f64| if first_is_ulna { ratio } else { -ratio };
    let humerus = found.iter().find_map(|beyond| if let Beyond::Elbow(shaft) = beyond { Some(*shaft) } else { None });
    let wrist = found.contains(&Beyond::Wrist);
    if (humerus.is_some() && towards(elbow) < LARGER) || (wrist && towards(hand) > -LARGER) {
        return Err("the one that grows is not the larger one");
    }
    let depth = both.map(|shaft| skin_mm(volume, &arm.near_elbow(shaft, elbow_up)));
    let (ulna, radius) = if first_is_ulna { (depth[0], depth[1]) } else { (depth[1], depth[0]) };
    if let (Some(ulna), Some(radius)) = (ulna, radius)
        && ulna > radius + DEEPER_MM
    {
        return Err("the skin is nearer to the other one than to what seems the ulna");
    }
    let names = if first_is_ulna { [BoneName::Ulna, BoneName::Radius] } else { [BoneName::Radius, BoneName::Ulna] };
    Ok(Forearm { names, sure, reason, humerus })
}

/// Where both shafts are seen side by side.
struct Arm {
    /// First and last of those slices.
    span: (usize, usize),
    /// The middle between both there, in-plane mm, and a little further in.
    middle_mm: [[f64; 2]; 2],
    inner_mm: [[f64; 2]; 2],
    /// Slices between those two.
    inwards: usize,
    /// Logarithm of the first one's section over the other's, at the lower and the upper end.
    ratio: [f64; 2],
}

impl Arm {
    fn of(volume: &Volume<i16>, both: [&Shaft; 2]) -> Option<Arm> {
        let dz = volume.grid.spacing_mm.z;
        let rows = shared(both);
        let rows = rows.chunk_by(|a, b| (b.k - a.k) as f64 * dz <= GAP_MM).max_by_key(|run| run.len())?;
        let (first, last) = (rows.first()?.k, rows.last()?.k);
        if (last - first) as f64 * dz < SHARED_MM || rows.len() < 8 {
            return None;
        }
        let part = (rows.len() / 5).max(2);
        let (low, high) = (&rows[..part], &rows[rows.len() - part..]);
        let ratio =
            [low, high].map(|rows| median(&mut rows.iter().map(|row| row.ratio).collect::<Vec<_>>()).unwrap_or(0.0));
        let end = rows.len() - 1;
        let inwards = ((30.0 / dz) as usize).clamp(1, end / 2);
        let (from, to) = (&rows[inwards], &rows[end - inwards]);
        Some(Arm {
            span: (first, last),
            middle_mm: [rows[0].middle_mm, rows[end].middle_mm],
            inner_mm: [from.middle_mm, to.middle_mm],
            inwards: (from.k - first).max(1).min((last - to.k).max(1)),
            ratio,
        })
    }

    /// Where the forearm's middle would be in a slice beyond one end: straight on for as long as a forearm may go on so.
    fn ahead(&self, dz: f64, k: usize, upper: bool) -> [f64; 2] {
        let n = usize::from(upper);
        let end = if upper { self.span.1 } else { self.span.0 };
        let steps = (k.abs_diff(end) as f64).min(60.0 / dz) / self.inwards as f64;
        [0, 1].map(|a| self.middle_mm[n][a] + (self.middle_mm[n][a] - self.inner_mm[n][a]) * steps)
    }

    /// The third of a shaft that lies next to the elbow, of what is seen of both.
    fn near_elbow(&self, shaft: &Shaft, elbow_up: bool) -> Shaft {
        let third = (self.span.1 - self.span.0) / 3;
        let (from, to) = if elbow_up { (self.span.1 - third, self.span.1) } else { (self.span.0, self.span.0 + third) };
        let rings: Vec<_> = shaft.rings.iter().filter(|ring| (from..=to).contains(&ring.k)).cloned().collect();
        Shaft { rings, ..shaft.clone() }
    }
}

/// Does a third shaft run beside these two, as close as they are to each other? Fingers, toes and crossed arms do.
fn others_beside(volume: &Volume<i16>, shafts: &[Shaft], pair: [usize; 2]) -> bool {
    let dz = volume.grid.spacing_mm.z;
    let own = &shafts[pair[0]];
    (0..shafts.len()).filter(|n| !pair.contains(n)).any(|n| {
        let near = |ring: &&Section| {
            own.ring_at(ring.k).is_some_and(|own| distance(own.centroid_mm, ring.centroid_mm) < HAND_MM)
        };
        shafts[n].rings.iter().filter(near).count() as f64 * dz >= OVERLAP_MM
    })
}

fn beyond(volume: &Volume<i16>, shafts: &[Shaft], pair: [usize; 2], arm: &Arm, upper: bool) -> Beyond {
    let hand = Hand::beyond(volume, arm, upper);
    match humerus_beyond(volume, shafts, pair, arm, upper) {
        // A hand may lie on a thigh that is as slender as an arm.
        Some(humerus) if hand.bones_mm < HAND_LENGTH_MM => Beyond::Elbow(humerus),
        None if hand.alone_mm >= HAND_LENGTH_MM => Beyond::Wrist,
        _ => Beyond::Nothing,
    }
}

/// The one shaft like a humerus that goes on where these two end.
fn humerus_beyond(volume: &Volume<i16>, shafts: &[Shaft], pair: [usize; 2], arm: &Arm, upper: bool) -> Option<usize> {
    let dz = volume.grid.spacing_mm.z;
    let (first, last) = arm.span;
    let follows = |n: &usize| {
        let shaft = &shafts[*n];
        let (low, high) = shaft.span();
        let (near, gap, shared) = match upper {
            true => (&shaft.rings[0], low as f64 - last as f64, last as f64 - low as f64),
            false => (&shaft.rings[shaft.rings.len() - 1], first as f64 - high as f64, high as f64 - first as f64),
        };
        let beside = distance(arm.ahead(dz, near.k, upper), near.centroid_mm);
        !shaft.stub
            && is_wide_as_a_humerus(volume, shaft)
            && shared * dz <= OVERLAP_MM
            && gap * dz <= ELBOW_MM
            && beside <= BESIDE_MM + BENT * (gap * dz).max(0.0)
    };
    let mut found = (0..shafts.len()).filter(|n| !pair.contains(n)).filter(follows);
    found.next().filter(|_| found.next().is_none())
}

fn is_wide_as_a_humerus(volume: &Volume<i16>, shaft: &Shaft) -> bool {
    let diameter_mm = shaft.diameter_mm(volume);
    // The lower part of a humerus flares: wide on the whole, not at its thinnest.
    let large = || {
        Widths::of(volume, shaft).thinnest_mm < WIDER_THAN_ARMS_MM
            && Depth::of(volume, shaft).is_some_and(|depth| depth.nearest_mm < THIGH_MM)
    };
    diameter_mm >= HUMERUS_MM[0] && (diameter_mm < HUMERUS_MM[1] || large())
}

/// Over how many millimetres beyond the end of a forearm many small bones lie beside each other, and over how many of these nothing else does.
struct Hand {
    bones_mm: f64,
    alone_mm: f64,
}

impl Hand {
    fn beyond(volume: &Volume<i16>, arm: &Arm, upper: bool) -> Hand {
        let dz = volume.grid.spacing_mm.z;
        let (first, last) = arm.span;
        let reach = (HAND_WITHIN_MM / dz) as usize;
        let slices = match upper {
            true => last + 1..(last + 1 + reach).min(volume.grid.size[2]),
            false => first.saturating_sub(reach)..first,
        };
        let mut hand = Hand { bones_mm: 0.0, alone_mm: 0.0 };
        for k in slices {
            let ahead = arm.ahead(dz, k, upper);
            let pieces = sections(volume, k, BONE_HU, HAND_BONE_MM2[0]);
            let away = |piece: &Section| distance(ahead, piece.centroid_mm);
            let small = |piece: &&Section| away(piece) < HAND_MM && piece.filled_area_mm2 <= HAND_BONE_MM2[1];
            let bones = pieces.iter().filter(small).count();
            if bones >= HAND_BONES {
                hand.bones_mm += dz;
                let near = pieces.iter().filter(|piece| away(piece) < ALONE_MM).count();
                hand.alone_mm += if near == bones { dz } else { 0.0 };
            }
        }
        hand
    }
}
