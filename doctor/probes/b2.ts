import type * as https from "node:https";
import type { Deadline } from "../deadline";
import type { B2Facts } from "../facts";
import { request, type Answer } from "./https";

/** Where every client of B2 begins (Backblaze: b2_authorize_account, version 3). */
export const B2_API = "https://api.backblazeb2.com";

interface Authorization {
  accountId: string;
  authorizationToken: string;
  apiInfo: {
    storageApi: {
      apiUrl: string;
      s3ApiUrl: string;
      capabilities: string[];
      bucketId: string | null;
      bucketName: string | null;
    };
  };
}

/**
 * What a key may do, and which of the buckets are in its account. Two calls that only read. Never throws; what it says
 * holds nothing of the key.
 *
 * @param tls for tests, whose server has a certificate of its own.
 */
export async function askB2(
  credentials: { id: string; key: string },
  buckets: readonly string[],
  deadline: Deadline,
  api = B2_API,
  tls: https.RequestOptions = {},
): Promise<B2Facts> {
  let facts: B2Facts = {};
  try {
    const basic = Buffer.from(`${credentials.id}:${credentials.key}`).toString("base64");
    const authorized = await request(
      `${api}/b2api/v3/b2_authorize_account`,
      { ...tls, headers: { authorization: `Basic ${basic}` } },
      deadline,
    );
    if (authorized.status !== 200) {
      return refusal(authorized);
    }
    const { accountId, authorizationToken, apiInfo } = JSON.parse(authorized.body) as Authorization;
    const { apiUrl, s3ApiUrl, capabilities, bucketId, bucketName } = apiInfo.storageApi;
    facts = {
      capabilities,
      endpoint: new URL(s3ApiUrl).host,
      ...(bucketId === null || bucketId === undefined ? {} : { confinedTo: bucketName ?? bucketId }),
    };
    const listed = await request(
      `${apiUrl}/b2api/v3/b2_list_buckets`,
      { ...tls, method: "POST", headers: { authorization: authorizationToken }, body: JSON.stringify({ accountId }) },
      deadline,
    );
    if (listed.status !== 200) {
      return { ...facts, problem: refusal(listed).problem };
    }
    const names = (JSON.parse(listed.body) as { buckets: { bucketName: string }[] }).buckets.map(
      (bucket) => bucket.bucketName,
    );
    return { ...facts, buckets: Object.fromEntries(buckets.map((bucket) => [bucket, names.includes(bucket)])) };
  } catch (error) {
    return {
      ...facts,
      problem: `Backblaze does not answer: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function refusal({ status, body }: Answer): B2Facts {
  let said = `status ${status}`;
  try {
    const { code, message } = JSON.parse(body) as { code?: string; message?: string };
    said = [code, message].filter((part) => part).join(": ") || said;
  } catch {
    // A proxy in between speaks HTML.
  }
  return { status, problem: said };
}
