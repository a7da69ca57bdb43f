//! The cheapest surface between two sets of voxels: a minimum cut, found as a maximum flow.
//!
//! Augmenting paths from two search trees that are kept and repaired between augmentations: Boykov and Kolmogorov, *An
//! experimental comparison of min-cut/max-flow algorithms for energy minimization in vision*, IEEE PAMI 26:1124, 2004.
//! Written for six neighbours and integer costs, so that the answer is exact and the same on every machine.

use std::collections::VecDeque;

/// Index that stands for no node.
pub const NO_NODE: u32 = u32::MAX;

/// Directions to the six neighbours: towards lower and higher column, row, slice. `d ^ 1` is the way back.
pub const DIRECTIONS: usize = 6;

/// A graph of voxels, each joined to at most six others and to the two sides.
#[derive(Debug, Clone)]
pub struct CutGraph {
    /// The node in each direction, [`NO_NODE`] where there is none. Symmetric: `neighbours[neighbours[n][d]][d ^ 1] == n`.
    neighbours: Vec<[u32; DIRECTIONS]>,
    /// What still flows from the node to the neighbour in each direction.
    residual: Vec<[i32; DIRECTIONS]>,
    /// Positive: what still comes from the inside; negative: what still goes to the outside.
    terminal: Vec<i64>,
}

/// Which search tree a node hangs in.
const FREE: u8 = 0;
const INSIDE: u8 = 1;
const OUTSIDE: u8 = 2;

/// How a node hangs in its tree, beside the directions 0 to 5.
const NO_PARENT: u8 = 6;
const AT_TERMINAL: u8 = 7;
const ORPHAN: u8 = 8;

impl CutGraph {
    /// A graph with these neighbours; every cost is zero at first.
    pub fn new(neighbours: Vec<[u32; DIRECTIONS]>) -> CutGraph {
        let n = neighbours.len();
        CutGraph { neighbours, residual: vec![[0; DIRECTIONS]; n], terminal: vec![0; n] }
    }

    /// The node in direction `d` of `node`, or [`NO_NODE`].
    pub fn neighbour(&self, node: u32, d: usize) -> u32 {
        self.neighbours[node as usize][d]
    }

    /// What it costs when `node` is inside and its neighbour in direction `d` outside; not negative.
    pub fn cost_between(&mut self, node: u32, d: usize, cost: i32) {
        debug_assert!(cost >= 0);
        self.residual[node as usize][d] = cost;
    }

    /// What it costs to call the node outside (`if_outside`) and inside (`if_inside`); added to what was said before.
    pub fn cost_of(&mut self, node: u32, if_outside: i64, if_inside: i64) {
        self.terminal[node as usize] += if_outside - if_inside;
    }

    /// For each node, is it inside the cheapest surface? Of several equally cheap ones the smallest inside.
    pub fn cut(self) -> Vec<bool> {
        let mut search = Search::new(self);
        if search.tree.len() >= LARGE {
            search = search.run_halves();
        }
        search.run();
        search.tree.into_iter().map(|tree| tree == INSIDE).collect()
    }
}

/// From so many nodes on both halves are first cut by themselves, at the same time.
const LARGE: usize = 50_000;

struct Search {
    graph: CutGraph,
    tree: Vec<u8>,
    parent: Vec<u8>,
    /// Steps to the terminal, as of the time `stamp`.
    distance: Vec<u32>,
    stamp: Vec<u32>,
    time: u32,
    active: VecDeque<u32>,
    queued: Vec<bool>,
    orphans: VecDeque<u32>,
}

impl Search {
    fn new(graph: CutGraph) -> Search {
        let n = graph.terminal.len();
        let mut search = Search {
            graph,
            tree: vec![FREE; n],
            parent: vec![NO_PARENT; n],
            distance: vec![0; n],
            stamp: vec![0; n],
            time: 0,
            active: VecDeque::new(),
            queued: vec![false; n],
            orphans: VecDeque::new(),
        };
        for node in 0..n {
            let flow = search.graph.terminal[node];
            if flow != 0 {
                search.tree[node] = if flow > 0 { INSIDE } else { OUTSIDE };
                search.parent[node] = AT_TERMINAL;
                search.distance[node] = 1;
                search.activate(node as u32);
            }
        }
        search
    }

    /// Runs the first and the second half of the nodes without the edges between them, and puts them together again: what is left to flow
    /// crosses. Flow and trees of each half are those of a flow through the whole, and the smallest inside is the same whatever flows first.
    fn run_halves(mut self) -> Search {
        let middle = self.tree.len() / 2;
        let mut second = self.split_off(middle);
        let (first_crossing, second_crossing) = (self.uncross(0, middle), second.uncross(middle, middle));
        rayon::join(|| self.run(), || second.run());
        second.number_from(middle);
        self.append(second);
        for (node, d, other) in first_crossing.into_iter().chain(second_crossing) {
            self.graph.neighbours[node as usize][d] = other;
            if self.tree[node as usize] != FREE {
                self.activate(node);
            }
        }
        self
    }

    /// The nodes from `middle` on.
    fn split_off(&mut self, middle: usize) -> Search {
        let graph = CutGraph {
            neighbours: self.graph.neighbours.split_off(middle),
            residual: self.graph.residual.split_off(middle),
            terminal: self.graph.terminal.split_off(middle),
        };
        let active = self.active.iter().filter(|node| **node as usize >= middle).map(|node| node - middle as u32);
        let second = Search {
            graph,
            active: active.collect(),
            tree: self.tree.split_off(middle),
            parent: self.parent.split_off(middle),
            distance: self.distance.split_off(middle),
            stamp: self.stamp.split_off(middle),
            time: 0,
            queued: self.queued.split_off(middle),
            orphans: VecDeque::new(),
        };
        self.active.retain(|node| (*node as usize) < middle);
        second
    }

    /// Takes out the edges that leave a half, whose nodes are numbered from `start` in the whole; each with its node there, its direction
    /// and where it led.
    fn uncross(&mut self, start: usize, middle: usize) -> Vec<(u32, usize, u32)> {
        let mut taken = Vec::new();
        for (n, around) in self.graph.neighbours.iter_mut().enumerate() {
            for (d, other) in around.iter_mut().enumerate().filter(|(_, other)| **other != NO_NODE) {
                if (*other as usize >= middle) == (start >= middle) {
                    *other -= start as u32;
                } else {
                    taken.push(((n + start) as u32, d, *other));
                    *other = NO_NODE;
                }
            }
        }
        taken
    }

    fn number_from(&mut self, start: usize) {
        let numbers = self.graph.neighbours.iter_mut().flatten().filter(|other| **other != NO_NODE);
        numbers.for_each(|other| *other += start as u32);
    }

    /// Puts the nodes of a finished half behind those of this one.
    fn append(&mut self, mut second: Search) {
        self.graph.neighbours.append(&mut second.graph.neighbours);
        self.graph.residual.append(&mut second.graph.residual);
        self.graph.terminal.append(&mut second.graph.terminal);
        self.tree.append(&mut second.tree);
        self.parent.append(&mut second.parent);
        self.distance.append(&mut second.distance);
        self.stamp.append(&mut second.stamp);
        self.queued.append(&mut second.queued);
        self.time = self.time.max(second.time) + 1;
    }

    fn activate(&mut self, node: u32) {
        if !self.queued[node as usize] {
            self.queued[node as usize] = true;
            self.active.push_back(node);
        }
    }

    fn run(&mut self) {
        while let Some(&node) = self.active.front() {
            if self.tree[node as usize] == FREE {
                self.active.pop_front();
                self.queued[node as usize] = false;
                continue;
            }
            match self.grow(node) {
                Some((from, d)) => {
                    self.time += 1;
                    self.augment(from, d);
                    while let Some(orphan) = self.orphans.pop_front() {
                        self.adopt(orphan);
                    }
                }
                None => {
                    self.active.pop_front();
                    self.queued[node as usize] = false;
                }
            }
        }
    }

    /// What can still flow away from the inside along the edge from `node` in direction `d`, seen from either tree.
    fn room(&self, node: u32, d: usize, tree: u8) -> i32 {
        if tree == INSIDE {
            self.graph.residual[node as usize][d]
        } else {
            let other = self.graph.neighbours[node as usize][d];
            self.graph.residual[other as usize][d ^ 1]
        }
    }

    /// Takes free neighbours into the tree; an edge (from its inside end) where the two trees meet.
    fn grow(&mut self, node: u32) -> Option<(u32, usize)> {
        let tree = self.tree[node as usize];
        for d in 0..DIRECTIONS {
            let other = self.graph.neighbours[node as usize][d];
            if other == NO_NODE || self.room(node, d, tree) == 0 {
                continue;
            }
            let o = other as usize;
            if self.tree[o] == FREE {
                self.tree[o] = tree;
                self.parent[o] = (d ^ 1) as u8;
                self.distance[o] = self.distance[node as usize] + 1;
                self.stamp[o] = self.stamp[node as usize];
                self.activate(other);
            } else if self.tree[o] != tree {
                return Some(if tree == INSIDE { (node, d) } else { (other, d ^ 1) });
            } else if self.stamp[o] <= self.stamp[node as usize] && self.distance[o] > self.distance[node as usize] + 1
            {
                // A shorter way to the terminal.
                self.parent[o] = (d ^ 1) as u8;
                self.distance[o] = self.distance[node as usize] + 1;
                self.stamp[o] = self.stamp[node as usize];
            }
        }
        None
    }

    /// Pushes what fits along the path that meets in the edge from `inside` in direction `d`.
    fn augment(&mut self, inside: u32, d: usize) {
        let outside = self.graph.neighbours[inside as usize][d];
        let mut least = i64::from(self.graph.residual[inside as usize][d]);
        for (start, tree) in [(inside, INSIDE), (outside, OUTSIDE)] {
            let mut node = start;
            while self.parent[node as usize] != AT_TERMINAL {
                let up = self.parent[node as usize] as usize;
                let above = self.graph.neighbours[node as usize][up];
                let room = if tree == INSIDE {
                    self.graph.residual[above as usize][up ^ 1]
                } else {
                    self.graph.residual[node as usize][up]
                };
                least = least.min(i64::from(room));
                node = above;
            }
            least = least.min(self.graph.terminal[node as usize].abs());
        }
        self.push(inside, d, least as i32);
        for (start, tree) in [(inside, INSIDE), (outside, OUTSIDE)] {
            let mut node = start;
            while self.parent[node as usize] != AT_TERMINAL {
                let up = self.parent[node as usize] as usize;
                let above = self.graph.neighbours[node as usize][up];
                let left = if tree == INSIDE {
                    self.push(above, up ^ 1, least as i32)
                } else {
                    self.push(node, up, least as i32)
                };
                if left == 0 {
                    self.orphan(node);
                }
                node = above;
            }
            let terminal = &mut self.graph.terminal[node as usize];
            *terminal -= terminal.signum() * least;
            if *terminal == 0 {
                self.orphan(node);
            }
        }
    }

    /// Moves flow along one edge; what still fits.
    fn push(&mut self, from: u32, d: usize, flow: i32) -> i32 {
        let to = self.graph.neighbours[from as usize][d];
        self.graph.residual[to as usize][d ^ 1] += flow;
        let left = &mut self.graph.residual[from as usize][d];
        *left -= flow;
        *left
    }

    fn orphan(&mut self, node: u32) {
        self.parent[node as usize] = ORPHAN;
        self.orphans.push_back(node);
    }

    /// Finds an orphan a new parent in its tree, or sets it free.
    fn adopt(&mut self, node: u32) {
        let n = node as usize;
        let tree = self.tree[n];
        let mut best: Option<(u32, usize)> = None;
        for d in 0..DIRECTIONS {
            let other = self.graph.neighbours[n][d];
            if other == NO_NODE || self.tree[other as usize] != tree || self.room(other, d ^ 1, tree) == 0 {
                continue;
            }
            if let Some(steps) = self.steps_to_terminal(other)
                && best.is_none_or(|(least, _)| steps < least)
            {
                best = Some((steps, d));
            }
        }
        if let Some((steps, d)) = best {
            self.parent[n] = d as u8;
            self.distance[n] = steps + 1;
            self.stamp[n] = self.time;
            return;
        }
        for d in 0..DIRECTIONS {
            let other = self.graph.neighbours[n][d];
            if other == NO_NODE || self.tree[other as usize] != tree {
                continue;
            }
            if self.room(other, d ^ 1, tree) > 0 {
                self.activate(other);
            }
            if usize::from(self.parent[other as usize]) == d ^ 1 {
                self.orphan(other);
            }
        }
        self.tree[n] = FREE;
        self.parent[n] = NO_PARENT;
    }

    /// Steps from a node up to its terminal, `None` when an orphan is on the way. What was walked is remembered for this
    /// round of adoption.
    fn steps_to_terminal(&mut self, start: u32) -> Option<u32> {
        let mut node = start;
        let mut steps = 0;
        loop {
            let n = node as usize;
            if self.stamp[n] == self.time {
                steps += self.distance[n];
                break;
            }
            match self.parent[n] {
                AT_TERMINAL => {
                    self.stamp[n] = self.time;
                    self.distance[n] = 1;
                    steps += 1;
                    break;
                }
                ORPHAN | NO_PARENT => return None,
                up => {
                    steps += 1;
                    node = self.graph.neighbours[n][up as usize];
                }
            }
        }
        let (mut node, mut left) = (start, steps);
        while self.stamp[node as usize] != self.time {
            let n = node as usize;
            self.stamp[n] = self.time;
            self.distance[n] = left;
            left -= 1;
            node = self.graph.neighbours[n][self.parent[n] as usize];
        }
        Some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A box of `size` voxels, every one a node.
    fn full(size: [usize; 3]) -> CutGraph {
        let stride = [1, size[0], size[0] * size[1]];
        let neighbours = (0..size.iter().product())
            .map(|n: usize| {
                std::array::from_fn(|d| {
                    let (axis, up) = (d / 2, d % 2 == 1);
                    let at = n / stride[axis] % size[axis];
                    match up {
                        true if at + 1 < size[axis] => (n + stride[axis]) as u32,
                        false if at > 0 => (n - stride[axis]) as u32,
                        _ => NO_NODE,
                    }
                })
            })
            .collect();
        CutGraph::new(neighbours)
    }

    fn energy(graph: &CutGraph, inside: &[bool], unary: &[[i64; 2]]) -> i64 {
        let mut sum = 0;
        for (n, here) in inside.iter().enumerate() {
            sum += if *here { unary[n][1] } else { unary[n][0] };
            for d in 0..DIRECTIONS {
                let other = graph.neighbours[n][d];
                if other != NO_NODE && *here && !inside[other as usize] {
                    sum += i64::from(graph.residual[n][d]);
                }
            }
        }
        sum
    }

    proptest! {
        #[test]
        fn no_other_division_is_cheaper(
            costs in prop::collection::vec(0i32..20, 12 * 6),
            unary in prop::collection::vec(prop::array::uniform2(0i64..25), 12),
        ) {
            let mut graph = full([3, 2, 2]);
            for n in 0..12u32 {
                for d in 0..DIRECTIONS {
                    if graph.neighbour(n, d) != NO_NODE {
                        graph.cost_between(n, d, costs[n as usize * 6 + d]);
                    }
                }
                graph.cost_of(n, unary[n as usize][0], unary[n as usize][1]);
            }
            let found = energy(&graph, &graph.clone().cut(), &unary);
            let least = (0..1usize << 12)
                .map(|bits| {
                    let inside: Vec<bool> = (0..12).map(|n| bits >> n & 1 == 1).collect();
                    energy(&graph, &inside, &unary)
                })
                .min()
                .unwrap_or(0);
            prop_assert_eq!(found, least);
        }

        #[test]
        fn halves_first_is_the_same(
            costs in prop::collection::vec(0i32..20, 60 * 6),
            unary in prop::collection::vec(-25i64..25, 60),
        ) {
            let mut graph = full([5, 4, 3]);
            for n in 0..60u32 {
                for d in 0..DIRECTIONS {
                    graph.cost_between(n, d, costs[n as usize * 6 + d]);
                }
                graph.cost_of(n, unary[n as usize], 0);
            }
            let mut whole = Search::new(graph.clone());
            whole.run();
            let mut halves = Search::new(graph).run_halves();
            halves.run();
            let inside = |search: Search| search.tree.into_iter().map(|tree| tree == INSIDE).collect::<Vec<bool>>();
            prop_assert_eq!(inside(halves), inside(whole));
        }
    }

    #[test]
    fn a_hole_in_a_wall_is_closed_by_the_smaller_surface() {
        // Two rooms of a corridor; the door of one voxel is where the cut goes.
        let size = [9, 5, 5];
        let mut graph = full(size);
        let open = |i: usize, j: usize, k: usize| i != 4 || (j == 2 && k == 2);
        for k in 0..5 {
            for j in 0..5 {
                for i in 0..9 {
                    let n = (i + 9 * (j + 5 * k)) as u32;
                    for d in 0..DIRECTIONS {
                        let other = graph.neighbour(n, d);
                        if other != NO_NODE {
                            let [x, y, z] = [other % 9, other / 9 % 5, other / 45].map(|v| v as usize);
                            graph.cost_between(n, d, if open(i, j, k) && open(x, y, z) { 10 } else { 0 });
                        }
                    }
                }
            }
        }
        graph.cost_of(9 * (2 + 5 * 2), 1_000_000, 0);
        graph.cost_of(8 + 9 * (2 + 5 * 2), 0, 1_000_000);
        let inside = graph.cut();
        let count = |i: usize| (0..25).filter(|jk| inside[i + 9 * jk]).count();
        assert_eq!((count(0), count(3), count(5), count(8)), (25, 25, 0, 0));
    }
}
