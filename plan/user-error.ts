/** A mistake of the person at the keyboard: shown as its message, without a stack. */
export class UserError extends Error {
  public override readonly name = "UserError";
}
