/** The API, with the types of its OpenAPI document in `schema.d.ts`. */

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Api = Client<paths>;
export type ReferralData = components["schemas"]["Code"];
export type ReferralStats = components["schemas"]["Stats"];

/** Connect to the API at `address` with a token of `POST /user/tokens`: never with a key. */
export function connect(address: string, token: string): Api {
  return createClient<paths>({
    baseUrl: address,
    credentials: "omit",
    headers: { Authorization: `Bearer ${token}` },
  });
}

export async function getReferralCode(api: Api): Promise<ReferralData> {
  const { data, error } = await api.GET("/referral/code");
  if (error) throw new Error(error.detail);
  return data;
}

export async function getReferralStats(api: Api): Promise<ReferralStats> {
  const { data, error } = await api.GET("/referral/stats");
  if (error) throw new Error(error.detail);
  return data;
}

/** Anybody may ask whether a code is valid, so this sends no token. */
export async function validateReferralCode(api: Api, code: string): Promise<boolean> {
  const { data, error } = await api.POST("/referral/validate", {
    body: { referral_code: code },
    headers: { Authorization: null },
  });
  if (error) throw new Error(error.detail);
  return data.valid;
}
