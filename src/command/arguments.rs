//! The declaration of arguments: the only macro of the project.

/// Declares arguments as a struct with a typed field for each, `field: Type = argument`, where the argument is a
/// `Typed<Type>`; or as an enum of mutually exclusive options, `Variant(payload: Type) = option`. Required
/// values are read in the order of the fields, then options in any order.
macro_rules! arguments {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(<$life:lifetime>)? {
        $($field:ident: $type:ty = $arg:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name $(<$life>)? {
            $(pub $field: $type,)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// The arguments in order.
            $vis const ARGS: &'static [$crate::command::Arg] = &[$($crate::command::typed::<$type>($arg),)*];
        }

        #[allow(unused_imports, unused_variables)]
        const _: () = {
        use $crate::command::{Arg, Arguments, Field, Input, Value, typed};
        use $crate::error::Result;

        impl<'a> Field<'a> for $name $(<$life>)? {
            type Slot = ($(<$type as Field<'a>>::Slot,)*);

            #[inline]
            fn start(
                _: &'static Arg,
                input: &mut Input<'_, 'a>,
            ) -> Result<Self::Slot> {
                Ok(($(
                    <$type as Field<'a>>::start(
                        const { &typed::<$type>($arg) },
                        input,
                    )?,
                )*))
            }

            #[inline]
            fn take(
                slots: &mut Self::Slot,
                _: &'static Arg,
                word: &[u8],
                input: &mut Input<'_, 'a>,
            ) -> Result<bool> {
                let ($($field,)*) = slots;
                Ok(false $(
                    || <$type as Field<'a>>::take(
                        $field,
                        const { &typed::<$type>($arg) },
                        word,
                        input,
                    )?
                )*)
            }

            #[inline]
            fn finish(slots: Self::Slot, _: &'static Arg) -> Result<Self> {
                let ($($field,)*) = slots;
                Ok($name {
                    $($field: <$type as Field<'a>>::finish(
                        $field,
                        const { &typed::<$type>($arg) },
                    )?,)*
                })
            }

            fn words(&self, _: &'static Arg, words: &mut Vec<String>) -> Result<()> {
                $(
                    let arg = const { &typed::<$type>($arg) };
                    Field::words(&self.$field, arg, words)?;
                )*
                Ok(())
            }

            #[inline]
            fn actor(&self) -> Option<&'a str> {
                None $(.or(Field::actor(&self.$field)))*
            }

            #[inline]
            fn key(&self) -> Option<&'a [u8]> {
                None $(.or(Field::key(&self.$field)))*
            }
        }

        impl<'a> Arguments<'a> for $name $(<$life>)? {
            const ARGS: &'static [Arg] = $name::ARGS;
        }

        impl<'a> Value<'a> for $name $(<$life>)? {
            fn read(
                _: &'static str,
                _: &'static Arg,
                input: &mut Input<'_, 'a>,
            ) -> Result<Self> {
                Arguments::read_all(input)
            }

            fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
                Field::words(self, arg, words)
            }
        }
        };
    };

    ($(#[$meta:meta])* $vis:vis enum $name:ident $(<$life:lifetime>)? {
        $($variant:ident $(($payload:ident: $type:ty))? = $arg:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis enum $name $(<$life>)? {
            $($variant $(($type))?,)*
        }

        const _: () = {
        use $crate::command::{Arg, Choice, Field, Input, Value, required_choice, take_choice, typed};
        use $crate::error::{Error, Result};

        impl<'a> Choice<'a> for $name $(<$life>)? {
            const OPTIONS: &'static [Arg] =
                &[$(typed::<$crate::command::arguments!(@option $($type)?)>($arg),)*];

            fn option(&self) -> &'static Arg {
                match self {
                    $(Self::$variant { .. } => const {
                        &typed::<$crate::command::arguments!(@option $($type)?)>($arg)
                    },)*
                }
            }

            fn read(
                word: &[u8],
                _input: &mut Input<'_, 'a>,
            ) -> Result<Self> {
                $(
                    let option = const {
                        &typed::<$crate::command::arguments!(@option $($type)?)>($arg)
                    };
                    if option.is_called(word) {
                        return Ok(Self::$variant $((
                            <$type as Value<'a>>::read(option.key(), option, _input)?
                        ))?);
                    }
                )*
                Err(Error::Internal)
            }

            fn words(&self, words: &mut Vec<String>) -> Result<()> {
                words.push(self.option().key().to_string());
                match self {
                    $(Self::$variant $(($payload))? => {
                        $(Value::words($payload, self.option(), words)?;)?
                    })*
                }
                Ok(())
            }
        }

        impl<'a> Field<'a> for Option<$name $(<$life>)?> {
            type Slot = Self;

            #[inline]
            fn start(_: &'static Arg, _: &mut Input<'_, 'a>) -> Result<Self::Slot> {
                Ok(None)
            }

            #[inline]
            fn take(slot: &mut Self, _: &'static Arg, word: &[u8], input: &mut Input<'_, 'a>) -> Result<bool> {
                take_choice(slot, word, input)
            }

            #[inline]
            fn finish(slot: Self::Slot, _: &'static Arg) -> Result<Self> {
                Ok(slot)
            }

            fn words(&self, _: &'static Arg, words: &mut Vec<String>) -> Result<()> {
                self.as_ref().map_or(Ok(()), |choice| Choice::words(choice, words))
            }
        }

        impl<'a> Field<'a> for $name $(<$life>)? {
            type Slot = Option<Self>;

            #[inline]
            fn start(_: &'static Arg, _: &mut Input<'_, 'a>) -> Result<Self::Slot> {
                Ok(None)
            }

            #[inline]
            fn take(slot: &mut Self::Slot, _: &'static Arg, word: &[u8], input: &mut Input<'_, 'a>) -> Result<bool> {
                take_choice(slot, word, input)
            }

            #[inline]
            fn finish(slot: Self::Slot, _: &'static Arg) -> Result<Self> {
                required_choice(slot)
            }

            fn words(&self, _: &'static Arg, words: &mut Vec<String>) -> Result<()> {
                Choice::words(self, words)
            }
        }
        };
    };

    (@option) => { bool };
    (@option $type:ty) => { Option<$type> };
}

pub(crate) use arguments;
