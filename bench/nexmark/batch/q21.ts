/**
 * Query 21, channel id: bids with the id of their channel. The four hot channels have fixed ids, whatever the
 * case of their names: apple 0, google 1, facebook 2, baidu 3. For others it is the text after `channel_id=`
 * in the URL, up to the next `&`, where that stands at the URL's start or after an `&`. Bids with neither give nothing.
 * Emitted: one row a bid that qualifies, at once.
 * Compare: as a bag of rows.
 */
import type { Bid } from "../generator/event.ts";
import { bidsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q21: BatchQuery = (events) =>
  bidsOf(events).flatMap((bid) => {
    const channelId = channelIdOf(bid);
    if (channelId === undefined) return [];
    const { auction, bidder, price, channel } = bid;
    return [{ auction, bidder, price, channel, channelId }];
  });

function channelIdOf(bid: Bid): string | undefined {
  const hotId = HOT_CHANNEL_IDS.get(bid.channel.toLowerCase());
  return hotId ?? /(?:&|^)channel_id=([^&]*)/.exec(bid.url)?.[1];
}

const HOT_CHANNEL_IDS: ReadonlyMap<string, string> = new Map([
  ["apple", "0"],
  ["google", "1"],
  ["facebook", "2"],
  ["baidu", "3"],
]);
