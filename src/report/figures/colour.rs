//! The colour of a remaining share of cortex: lightness rises steadily from black (gone) to cream (intact), so that
//! the order survives grey print and every kind of colour blindness, and lost bone is dark as on CT.

/// Magma (matplotlib, CC0) at eleven equal steps.
const MAGMA: [[u8; 3]; 11] = [
    [0, 0, 4],
    [20, 14, 54],
    [59, 15, 112],
    [100, 26, 128],
    [140, 41, 129],
    [183, 55, 121],
    [222, 73, 104],
    [247, 112, 92],
    [254, 159, 109],
    [254, 207, 146],
    [252, 253, 191],
];

/// Share of the reference at which the colours end; more (sclerosis, a poor reference) looks the same.
pub(super) const TOP: f64 = 1.1;

/// Colour of `share` = mass / reference mass.
pub(super) fn of_share(share: f64) -> [u8; 3] {
    let position = (share / TOP).clamp(0.0, 1.0) * (MAGMA.len() - 1) as f64;
    let low = (position as usize).min(MAGMA.len() - 2);
    let part = position - low as f64;
    std::array::from_fn(|c| {
        let (a, b) = (f64::from(MAGMA[low][c]), f64::from(MAGMA[low + 1][c]));
        (a + part * (b - a)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightness_rises_with_the_share() {
        let lightness = |share| {
            let [r, g, b] = of_share(share).map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        for step in 0..22 {
            let share = f64::from(step) * 0.05;
            assert!(lightness(share + 0.05) > lightness(share), "{share}");
        }
    }
}
