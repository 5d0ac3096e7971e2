/** Query 21, channel id: fixed for the four hot channels, from the URL for others; bids with neither are dropped. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { Bid } from "../generator/event.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q21(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q21", options))
    .flatMap((bid) => {
      const channelId = channelIdOf(bid);
      if (channelId === undefined) return [];
      const { auction, bidder, price, channel } = bid;
      return [{ auction, bidder, price, channel, channelId }];
    })
    .output();
}

const PARAMETER = "channel_id=";

function channelIdOf({ channel, url }: Bid): string | undefined {
  const hotPlace = HOT_CHANNELS.indexOf(channel.toLowerCase());
  if (hotPlace >= 0) return String(hotPlace);
  const parameter = url.split("&").find((part) => part.startsWith(PARAMETER));
  return parameter?.slice(PARAMETER.length);
}

/** Each at the place that is its id. */
const HOT_CHANNELS = ["apple", "google", "facebook", "baidu"];
