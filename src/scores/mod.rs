//! Mirels, the published rules and the recommendation: pure functions of numbers, no images.
