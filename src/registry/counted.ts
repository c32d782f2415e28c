// How many rows a call gave or took, by what it returned.
export const sizeOf = ({ size }: { readonly size: number }): number => size;
export const lengthOf = ({ length }: { readonly length: number }): number => length;
export const itemsOf = ({ items }: { readonly items: readonly unknown[] }): number => items.length;
export const changesOf = ({ changes }: { readonly changes: readonly unknown[] }): number => changes.length;
