//! The buffer of a volume.

use bytemuck::Pod;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The values of a volume, used as a slice. Made from a `Vec`, or by [`Voxels::zeroed`].
///
/// Large buffers come from the system in pages of 2 MB where it has such: the first touch of a hundred megabytes in
/// pages of 4 kB takes several times as long as reading the CT into them.
pub struct Voxels<T>(Store<T>);

enum Store<T> {
    Heap(Vec<T>),
    #[cfg(target_os = "linux")]
    Pages(memmap2::MmapMut),
}

/// Below this the heap is as fast.
#[cfg(target_os = "linux")]
const LARGE_BYTES: usize = 8 << 20;

impl<T: Pod> Voxels<T> {
    /// So many zeros; `None` where there is not enough memory.
    pub fn zeroed(len: usize) -> Option<Voxels<T>> {
        #[cfg(target_os = "linux")]
        if let Some(bytes) = len.checked_mul(size_of::<T>()).filter(|bytes| *bytes >= LARGE_BYTES) {
            let pages = memmap2::MmapMut::map_anon(bytes).ok()?;
            // Without them it is as large and right, only slower.
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Some(Voxels(Store::Pages(pages)));
        }
        // Asked for first, so that too little memory is no abort.
        Vec::<T>::new().try_reserve_exact(len).ok()?;
        Some(vec![T::zeroed(); len].into())
    }
}

impl<T> From<Vec<T>> for Voxels<T> {
    fn from(values: Vec<T>) -> Self {
        Voxels(Store::Heap(values))
    }
}

impl<T> FromIterator<T> for Voxels<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T: Pod> Deref for Voxels<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Store::Heap(values) => values,
            #[cfg(target_os = "linux")]
            Store::Pages(pages) => bytemuck::cast_slice(pages),
        }
    }
}

impl<T: Pod> DerefMut for Voxels<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Store::Heap(values) => values,
            #[cfg(target_os = "linux")]
            Store::Pages(pages) => bytemuck::cast_slice_mut(pages),
        }
    }
}

impl<'a, T: Pod> IntoIterator for &'a Voxels<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Pod> Clone for Voxels<T> {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl<T: Pod + PartialEq> PartialEq for Voxels<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for Voxels<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_buffers_are_zero_and_can_be_written() {
        for len in [0, 1, 1000, 5_000_001] {
            let mut voxels = Voxels::<i16>::zeroed(len).expect("room");
            assert_eq!((voxels.len(), voxels.iter().position(|v| *v != 0)), (len, None));
            voxels.fill(7);
            let copy = voxels.clone();
            assert!(copy == voxels && copy.iter().all(|v| *v == 7));
        }
    }

    #[test]
    fn too_much_is_refused() {
        assert!(Voxels::<i16>::zeroed(usize::MAX / 2).is_none());
        assert!(Voxels::<i16>::zeroed(usize::MAX / 8).is_none());
    }
}
