/**
 * The contract of a family: one kind of provider, at its own host or at another server that speaks as it
 * does.
 */

import type { CredentialConfig } from "../config/config.ts";
import type { FamilyName } from "../config/schema.ts";
import type { ServerName } from "../config/upstreams/servers.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import type { DialectName, Framing, Peek } from "../dialects/dialect.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { SpliceEdit } from "../wire/json-splice.ts";
import type { Authorization } from "./authorization.ts";
import type { ServerProfile } from "./profile.ts";
import type { Reframer } from "./reframer.ts";
import type { RoomFacts } from "./room/room-facts.ts";
import type { ReplyFacts, Signal } from "./signal.ts";

/** One server of a family. */
export interface Server {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly profile: ServerProfile;
}

/** Where a credential's requests go, where each has a place of its own. */
export type CredentialPlace = Pick<CredentialConfig, "apiKey" | "project" | "region">;

export interface Family {
  readonly name: FamilyName;
  /** Dialects of an upstream whose configuration lists none. */
  readonly dialects: readonly DialectName[];
  /** The one dialect in which a model is spoken to; absent: every model is spoken to in all dialects of the upstream. */
  dialectOf?(model: string): DialectName;
  /** The provider's own base URL, as the family's official SDK takes it: for openai it ends in /v1. */
  readonly defaultBaseUrl: string;
  /** `server`: what the configuration says that it is. */
  profileOf(baseUrl: string, server?: ServerName | null): ServerProfile;
  /**
   * The base URL of a credential's requests; absent: that of its upstream. `baseUrl`: as configured; null: the provider's own.
   */
  baseUrlOf?(baseUrl: string | null, place: CredentialPlace): string;
  /**
   * The region of the price list that a credential's calls are charged for; null: no region's. Absent: the host of the base URL
   * tells it.
   */
  priceRegionOf?(place: CredentialPlace): string | null;
  /**
   * The URL of a request. `path` is the dialect's own path with its query, such as `/v1/chat/completions` or
   * `/v1beta/models/m:generateContent?alt=sse`; `model` is the upstream's name for the model, "" when the
   * request has none.
   */
  url(server: Server, path: string, model: string, isStream: boolean): string;
  /**
   * The edits of a body that name its model as the provider wants it; null, and absent: as the dialect does. `path` as for
   * `url`; `peek`: of this body.
   */
  modelEdits?(path: string, body: Uint8Array, peek: Peek, model: string): readonly SpliceEdit[] | null;
  /** Headers of clients that are not passed on; absent: those of `authorization`. */
  readonly withheldHeaders?: readonly string[];
  /** Header lines of every request; a line is left out when the client sends the header itself. */
  readonly defaultHeaders: HeaderLines;
  readonly authorization: Authorization;
  /** The framing of a good reply, where `asked` is the framing that the request asks for. */
  framingOf(headers: HeaderView, asked: Framing): Framing;
  /** Makes the reframer for a reply; null: the body is in the frames of its dialect. */
  reframe?(headers: HeaderView): Reframer | null;
  /** The paths of the lists of models, with their queries. */
  readonly modelLists: readonly string[];
  /** Names of models that are known to be this family's, so that a client need not name the upstream. */
  readonly modelNames: RegExp;
  /** The servers also have models of other makers, whose names may end in `-thinking` or `-search`. */
  readonly servesOtherMakers: boolean;
  /** The traits of a model by its maker's own name; safe traits for an unknown name. */
  traitsOf(plainName: string): ModelTraits;
  /**
   * The meaning of a failed reply: an HTTP status >= 400, or an in-band failure with the status that it
   * stands for. `profile` is absent when nothing is known of the server.
   */
  classify(reply: ReplyFacts, profile?: ServerProfile): Signal;
  /** The dialect in which a failed reply is worded; absent: that of the request. */
  envelopeOf?(reply: ReplyFacts): DialectName;
  /**
   * The HTTP status that an error object inside a good reply stands for (a stream's error event,
   * `{"error":…}` in a 200); 500 when it is not known.
   */
  inBandStatus(body: string): number;
  /** The room that the headers of a reply announce; null: none. Runs for each good reply. */
  roomOf(headers: HeaderView, nowMs: number): RoomFacts | null;
  /** The room that a failed reply announces, in its headers or its body; null: none. */
  roomOfFailure(reply: ReplyFacts): RoomFacts | null;
}
