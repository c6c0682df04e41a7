import type { Context } from "mocha";

/** Skips a test or a suite, and prints why. */
export function skipBecause(context: Context, reason: string): never {
  console.log(`      skipped: ${reason}`);
  return context.skip();
}
