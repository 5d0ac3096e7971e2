/**
 * The three kinds of Nexmark events: people register, list auctions and bid on them.
 * Field names and their order are those of the published benchmark (github.com/nexmark/nexmark); `kind` stands
 * in for its numeric event type. A line of input is `JSON.stringify` of one event.
 * Times are event time in milliseconds since 1970 (UTC), prices are cents, ids are positive integers.
 */

export type NexmarkEvent = Person | Auction | Bid;

export interface Person {
  readonly kind: "person";
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  /** Two letters, one of six western states. */
  readonly state: string;
  readonly dateTime: number;
  /** Padding that brings the event to its published average size. */
  readonly extra: string;
}

export interface Auction {
  readonly kind: "auction";
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  /** The last instant at which a bid counts. */
  readonly expires: number;
  /** Id of a person, who may be registered a little later or (at the end of the stream) never. */
  readonly seller: number;
  /** 10 to 14. */
  readonly category: number;
  readonly extra: string;
}

export interface Bid {
  readonly kind: "bid";
  /** Id of an auction, which may be listed a little later or (at the end of the stream) never. */
  readonly auction: number;
  /** Id of a person, under the same reservation. */
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}
