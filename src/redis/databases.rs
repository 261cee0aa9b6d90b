//! The ids of databases. A database keeps its id when SWAPDB gives it another number, and has a new one when it was
//! emptied: all that memory knows by name is then right, or out of reach, without being looked at.

use std::cell::RefCell;

/// The databases whose id is not their number.
#[derive(Debug, Default)]
struct Databases {
    /// Their numbers and ids.
    moved: Vec<(i32, i32)>,
    /// The last id that is no number.
    last: i32,
}

thread_local! {
    static DATABASES: RefCell<Databases> = RefCell::default();
}

impl Databases {
    fn id(&self, number: i32) -> i32 {
        let moved = self.moved.iter().find(|(known, _)| *known == number);
        moved.map_or(number, |(_, id)| *id)
    }

    fn number(&self, id: i32) -> Option<i32> {
        let moved = self.moved.iter().find(|(_, known)| *known == id);
        let is_number = || id >= 0 && self.moved.iter().all(|(number, _)| *number != id);
        moved.map(|(number, _)| *number).or_else(|| is_number().then_some(id))
    }

    fn set(&mut self, number: i32, id: i32) {
        self.moved.retain(|(known, _)| *known != number);
        if id != number {
            self.moved.push((number, id));
        }
    }

    fn renew(&mut self, number: i32) -> (i32, i32) {
        let before = self.id(number);
        self.last -= 1;
        self.set(number, self.last);
        (before, self.last)
    }

    fn swap(&mut self, one: i32, other: i32) -> (i32, i32) {
        let ids = (self.id(one), self.id(other));
        self.set(one, ids.1);
        self.set(other, ids.0);
        ids
    }
}

/// The id of the database of this number.
pub(super) fn id(number: i32) -> i32 {
    DATABASES.with_borrow(|databases| databases.id(number))
}

/// The number of the database of this id; `None` for one that was emptied since.
pub(super) fn number(id: i32) -> Option<i32> {
    DATABASES.with_borrow(|databases| databases.number(id))
}

/// The database of this number was emptied. Its ids before and now.
pub(super) fn renew(number: i32) -> (i32, i32) {
    DATABASES.with_borrow_mut(|databases| databases.renew(number))
}

/// The databases of these numbers were swapped. Their ids before.
pub(super) fn swap(one: i32, other: i32) -> (i32, i32) {
    DATABASES.with_borrow_mut(|databases| databases.swap(one, other))
}

/// Forgets everything.
pub(super) fn forget() {
    DATABASES.take();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_its_data() {
        let mut databases = Databases::default();
        assert_eq!((databases.id(3), databases.number(3)), (3, Some(3)));
        assert_eq!(databases.swap(0, 3), (0, 3));
        assert_eq!((databases.number(0), databases.number(3)), (Some(3), Some(0)));
        assert_eq!(databases.renew(3), (0, -1));
        assert_eq!((databases.number(0), databases.number(-1)), (None, Some(3)));
        databases.swap(3, 0);
        assert_eq!((databases.id(0), databases.id(3)), (-1, 3));
        assert_eq!(databases.number(0), None);
        assert_eq!(databases.renew(0), (-1, -2));
        assert_eq!((databases.number(-1), databases.number(-2)), (None, Some(0)));
    }
}
