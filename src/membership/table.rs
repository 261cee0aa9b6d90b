//! The members of one service, found by name in the same time however many they are, and in the order of names.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use crate::membership::member::Member;
use crate::membership::record::MemberName;

/// The members. A beat looks its member up several times, a walk in order is rare.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Boxed, so that the table moves little when it grows.
    found: HashMap<MemberName, Box<Member>>,
    order: BTreeSet<MemberName>,
}

impl Members {
    /// A member.
    pub(super) fn get(&self, name: &str) -> Option<&Member> {
        self.found.get(name).map(Box::as_ref)
    }

    /// A member to change.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.found.get_mut(name).map(Box::as_mut)
    }

    /// A member with its name as it is shared.
    pub(super) fn get_entry(&self, name: &str) -> Option<(&MemberName, &Member)> {
        let (name, present) = self.found.get_key_value(name)?;
        Some((name, present))
    }

    /// Puts a member in, or in the place of the one of that name.
    pub(super) fn insert(&mut self, name: &MemberName, present: Member) {
        if self.found.insert(name.clone(), Box::new(present)).is_none() {
            self.order.insert(name.clone());
        }
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, name: &str) -> Option<(MemberName, Member)> {
        let (name, present) = self.found.remove_entry(name)?;
        self.order.remove(&name);
        Some((name, *present))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&MemberName, &Member)> {
        self.found.iter().map(|(name, present)| (name, present.as_ref()))
    }

    /// Those beyond `after`, by name.
    pub(super) fn after<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = (&'a MemberName, &'a Member)> {
        let start = after.map_or(Unbounded, Excluded);
        let names = self.order.range::<str, _>((start, Unbounded));
        names.filter_map(|name| self.get_entry(name))
    }
}
