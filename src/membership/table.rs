//! The members of one service, found by name in constant time, and walked in the order of names.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use foldhash::fast::RandomState;

use crate::membership::member::Member;
use crate::membership::record::MemberName;

/// The members. Lookups by name are frequent, walks in order are rare.
#[derive(Debug, Default)]
pub(super) struct MemberTable {
    /// Boxed, so that the table moves little when it grows.
    by_name: HashMap<MemberName, Box<Member>, RandomState>,
    order: BTreeSet<MemberName>,
}

impl MemberTable {
    /// A member.
    pub(super) fn get(&self, name: &str) -> Option<&Member> {
        self.by_name.get(name).map(Box::as_ref)
    }

    /// A member, mutable.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.by_name.get_mut(name).map(Box::as_mut)
    }

    /// Adds a member, or replaces the one of that name.
    pub(super) fn insert(&mut self, member: Member) {
        let name = member.name.clone();
        if self.by_name.insert(name.clone(), Box::new(member)).is_none() {
            self.order.insert(name);
        }
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, name: &str) -> Option<Member> {
        self.order.remove(name);
        self.by_name.remove(name).map(|member| *member)
    }

    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_name.values().map(Box::as_ref)
    }

    /// Those beyond `after`, by name.
    pub(super) fn after<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = &'a Member> {
        let start = after.map_or(Unbounded, Excluded);
        let names = self.order.range::<str, _>((start, Unbounded));
        names.filter_map(|name| self.get(name))
    }
}
