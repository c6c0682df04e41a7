import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

const ATTEMPTS = 3;
/** An answer must begin within this time; a download may then take as long as it does. */
const ANSWER_MILLISECONDS = 30_000;

/**
 * Downloads a file: at once or not at all, and only with the wanted digest.
 *
 * @param sha256 64 hexadecimal digits; undefined accepts what comes.
 * @returns the digest of what was written.
 * @throws Error with the URL and the reason; nothing is left at the target.
 */
export async function download(url: string, target: string, sha256: string | undefined): Promise<string> {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = `${target}.part-${process.pid}`;
  try {
    const found = await attempts(url, () => stream(url, temporary));
    if (sha256 !== undefined && found !== sha256) {
      throw new Error(`${url} has sha256 ${found}, wanted is ${sha256}; nothing was kept`);
    }
    fs.renameSync(temporary, target);
    return found;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** The text at a URL. */
export function fetchText(url: string): Promise<string> {
  return attempts(url, async () => (await answer(url)).text());
}

async function attempts<T>(url: string, act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const final = error instanceof Final;
      if (final || attempt === ATTEMPTS) {
        throw new Error(`cannot fetch ${url}: ${reason(error)}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
    }
  }
}

/** What no second attempt changes. */
class Final extends Error {}

/** fetch says only "fetch failed"; why stands in its cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}

async function answer(url: string): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`no answer in ${ANSWER_MILLISECONDS / 1000} s`)),
    ANSWER_MILLISECONDS,
  );
  try {
    const response = await fetch(url, { redirect: "follow", signal: limit.signal });
    if (!response.ok) {
      const text = `status ${response.status}`;
      throw response.status >= 400 && response.status < 500 && response.status !== 429
        ? new Final(text)
        : new Error(text);
    }
    return response;
  } finally {
    clearTimeout(timer);
  }
}

async function stream(url: string, target: string): Promise<string> {
  const response = await answer(url);
  const length = Number(response.headers.get("content-length") ?? 0);
  const { bavail, bsize } = fs.statfsSync(path.dirname(target));
  if (length > bavail * bsize) {
    throw new Final(`it has ${length} bytes, and ${path.dirname(target)} has ${bavail * bsize} free`);
  }
  if (!response.body) {
    throw new Final("an empty answer");
  }
  const hash = createHash("sha256");
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body as never), counted, fs.createWriteStream(target, { mode: 0o644 }));
  return hash.digest("hex");
}
