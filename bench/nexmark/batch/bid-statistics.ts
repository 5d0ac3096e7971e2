/**
 * The counts that queries 15 to 17 report about a group of bids, in total and for three ranks of price:
 * below 10,000 (rank 1), from 10,000 to below 1,000,000 (rank 2), and from 1,000,000 (rank 3).
 */
import type { Bid } from "../generator/event.ts";

export function bidCounts(bids: readonly Bid[]) {
  return {
    totalBids: bids.length,
    rank1Bids: bids.filter(isRank1).length,
    rank2Bids: bids.filter(isRank2).length,
    rank3Bids: bids.filter(isRank3).length,
  };
}

export function distinctBidderCounts(bids: readonly Bid[]) {
  const bidderOf = (bid: Bid) => bid.bidder;
  return {
    totalBidders: countDistinct(bids, bidderOf),
    rank1Bidders: countDistinct(bids.filter(isRank1), bidderOf),
    rank2Bidders: countDistinct(bids.filter(isRank2), bidderOf),
    rank3Bidders: countDistinct(bids.filter(isRank3), bidderOf),
  };
}

export function distinctAuctionCounts(bids: readonly Bid[]) {
  const auctionOf = (bid: Bid) => bid.auction;
  return {
    totalAuctions: countDistinct(bids, auctionOf),
    rank1Auctions: countDistinct(bids.filter(isRank1), auctionOf),
    rank2Auctions: countDistinct(bids.filter(isRank2), auctionOf),
    rank3Auctions: countDistinct(bids.filter(isRank3), auctionOf),
  };
}

const isRank1 = (bid: Bid) => bid.price < 10_000;
const isRank2 = (bid: Bid) => bid.price >= 10_000 && bid.price < 1_000_000;
const isRank3 = (bid: Bid) => bid.price >= 1_000_000;

function countDistinct(bids: readonly Bid[], valueOf: (bid: Bid) => number): number {
  return new Set(bids.map(valueOf)).size;
}
