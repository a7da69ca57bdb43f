//! How tissues attenuate, and the HU they should have in a beam of one energy.
//!
//! Mass attenuation coefficients by NIST (XCOM) for the compositions of ICRU Report 44, cm²/g, between 60 and 100 keV, where the
//! effective energies of CT beams lie; between the nodes interpolated on logarithms. A CT beam is no single energy; the
//! effective one is a parameter that is fitted.

/// A tissue or material of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tissue {
    Air,
    Adipose,
    Muscle,
    CompactBone,
    Hydroxyapatite,
    Water,
}

/// Ends of the table, keV.
pub const ENERGIES_KEV: [f64; 2] = [60.0, 100.0];
const NODES_KEV: [f64; 4] = [60.0, 70.0, 80.0, 100.0];
/// Density of the crystal, g/cm³: what it fills holds no water.
const CRYSTAL_G_CM3: f64 = 3.16;

impl Tissue {
    const fn attenuation(self) -> [f64; 4] {
        match self {
            Self::Air => [0.1875, 0.1758, 0.1662, 0.1541],
            Self::Adipose => [0.1974, 0.1879, 0.1800, 0.1688],
            Self::Muscle => [0.2048, 0.1924, 0.1823, 0.1693],
            Self::CompactBone => [0.3148, 0.2616, 0.2229, 0.1855],
            Self::Hydroxyapatite => [0.4067, 0.3193, 0.2589, 0.2019],
            Self::Water => [0.2059, 0.1937, 0.1837, 0.1707],
        }
    }

    /// Density by ICRU Report 44, g/cm³ (air at sea level; of hydroxyapatite the crystal's).
    const fn density_g_cm3(self) -> f64 {
        match self {
            Self::Air => 0.001_205,
            Self::Adipose => 0.95,
            Self::Muscle => 1.05,
            Self::CompactBone => 1.92,
            Self::Hydroxyapatite => CRYSTAL_G_CM3,
            Self::Water => 1.0,
        }
    }

    /// Mass attenuation coefficient, cm²/g; the energy is taken within [`ENERGIES_KEV`].
    fn mass_attenuation(self, kev: f64) -> f64 {
        let kev = kev.clamp(ENERGIES_KEV[0], ENERGIES_KEV[1]);
        let table = self.attenuation();
        let i = NODES_KEV.windows(2).position(|pair| kev <= pair[1]).unwrap_or(NODES_KEV.len() - 2);
        let f = (kev / NODES_KEV[i]).ln() / (NODES_KEV[i + 1] / NODES_KEV[i]).ln();
        table[i] * (table[i + 1] / table[i]).powf(f)
    }

    /// HU of the tissue in a beam of that energy.
    pub fn hu(self, kev: f64) -> f64 {
        let water = Self::Water.mass_attenuation(kev);
        1000.0 * (self.mass_attenuation(kev) * self.density_g_cm3() / water - 1.0)
    }
}

/// HU by which 1 g/cm³ of hydroxyapatite raises water that it displaces.
pub fn hu_per_hydroxyapatite(kev: f64) -> f64 {
    let (mineral, water) = (Tissue::Hydroxyapatite.mass_attenuation(kev), Tissue::Water.mass_attenuation(kev));
    1000.0 * (mineral - water / CRYSTAL_G_CM3) / water
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hu_of_the_tissues_at_the_nodes() {
        // Computed apart from the table with the same densities.
        for (kev, adipose, muscle, bone) in
            [(60.0, -89.0, 44.0, 1935.0), (70.0, -78.0, 43.0, 1593.0), (80.0, -69.0, 42.0, 1330.0)]
        {
            assert!((Tissue::Adipose.hu(kev) - adipose).abs() < 0.6);
            assert!((Tissue::Muscle.hu(kev) - muscle).abs() < 0.6);
            assert!((Tissue::CompactBone.hu(kev) - bone).abs() < 1.0);
        }
        assert!((Tissue::Air.hu(75.0) + 999.0).abs() < 0.2);
        assert!(Tissue::Water.hu(66.0).abs() < 1e-9);
    }

    #[test]
    fn compact_bone_holds_about_the_same_mineral_at_every_energy() {
        for kev in [60.0, 65.0, 70.0, 75.0, 80.0] {
            let mineral = Tissue::CompactBone.hu(kev) / hu_per_hydroxyapatite(kev);
            assert!((1.15..1.23).contains(&mineral), "{kev}: {mineral}");
        }
    }
}
