export type Given<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The fields that were given: an option left out must not replace a default. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
