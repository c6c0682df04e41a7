/** The message of what a promise is rejected with; `no failure` if it is not. */
export function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no failure",
    (error: Error) => error.message,
  );
}
