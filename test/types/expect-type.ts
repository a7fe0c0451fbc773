/** Whether two types are the same, not just assignable to one another. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does nothing: that it compiles is the test. `expectType<Same<typeof x, number>>()` */
export function expectType<_Holds extends true>(): void {}
