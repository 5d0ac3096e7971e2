/**
 * 40,000 lines as one frame of zstd with a checksum and without the size of the content, made by Node's
 * stream: workerd's own compressor fails with texts of this length ("Unexpected end of file").
 */
const base64 =
  "KLUv/QRYrCEA5uZJErClkAOOUBiyyIqUlfIVwSkoAUkAQgBCACIPxR1hOk8TYvxxwhwaLvOGouzjNtCBIUXsE8d1" +
  "Fypa3q+RGLrVX2YsuzXFERGJTrQPpf4VUYgY6aWjGpcQDAYCBACCYDAQIBCuu3f+5ncvZ44lpqX6jpq9i2kCKYtG" +
  "Xk3iwRVxVN9UtH542YShuZC4X41oKprKRAqdzgjD4qzpkIocLjZDpBDyW/pkUD9xcNRZHVxlVJkG55CJUmZWw/w3" +
  "G1lWsBqdhqdRLVzLmnW+y8movJEzKrkngZ19L4Mx7wwK7wyPmnfkqZGwFQEipOvavmdm5o+QNpHAUvW8McVmYT0P" +
  "TVg/JnxcHJP6El5S3xtJR+LHSF/SiXFGCT/O1AmJ8MVNSC+OZ+vFi0OOAoH1qKG46r0DUYWEGMQkxxsScBKh8/r/" +
  "//8GmO5bUT5Q8ZLVyd122KFBl/hHGnxSkTEPA/9R9opbORHZMzoU5zque2PoV8C8V6GAtQJA0hCZ3T+tvV6EJ7Ke" +
  "vh0Hlt/sbdAgH6L7n6/zQ1KyjhJf1gDcN9H4Xj9fm6cvrRwRVN+miYdfR8Du4Ue1XHsGQyRmnNye501KnT6MoFHi" +
  "n0jzeq9esaKYsaaxuPwbrezxgqZWHnWNn8y124KaKiRATwPQAUoF/ZFThB5cDEmjdcE9P3cnCYxnL/X6KdnQD/mz" +
  "rrREMYDZXlEbWKHiXkyJRh0jEwPfRJITIIv8BQdy5E80ROZ7kSHgIwNnlSvUoiydA+M/ZVZka0SeLL89yQ9JDgwd" +
  "7Hy/CARTP/vwgn7utHXb2vyklLnxZVfihXNQl/s/AGGaQvmjG/NNU6uh4nTKToP0RdSABnCLpKWjTJHTkMnCLDUB" +
  "/6PfSiz3o3T/nuBINOi5SqxXpxof+fnyxG8RTnRLAtLcKJ2uugAtPiNVF46e+XX+v0ZxsBsfcNUIfHzhrNxi2mq6" +
  "O92kwBNlNeEJYolPABFaDThKE23px4A0ihPDi9zjIik6e28MgNgALYZgNr2pwO/OPHLf4RkjThTukFKdDAMvkYCe" +
  "97azEAv1A2mbROa3Ysmq/NT8yc6ETsBAoSjRerafIgPEF8WEgBMT1kpN+SLmjslDFc9YV64mNx6+Q6wK1FRtkr0x" +
  "q27jhkg5yKGWYDsNoQvI8k0uSXUcABG5EHE7I/s0nB1dFDYX/uQEEAjP6rUQaNdjudU2FCmcw9JpMPCovifyRsdV" +
  "txEB5CQiWCr9GQku16rkm4LGp8WF0XrySHN3BxjjcbW00f59+TPlWlaFcKYM/XvNB+HOglbKbGT3SqvcBErT58KS" +
  "sqCZqae+cl+w3t7q39FeeUyuArVM3CyZr9sRF5dlliC4oLlzOhXOMPO3+/Q4VzV929+b8zp3/GvQMDe030lDfT8u" +
  "eKG0O65QJui6mX3ix7iuSHS352vfOC53bulIzlUBTAAACDgBAPz/ORACTQAACGwBAHtrORACd9D2Dyi1L/0kAAEA" +
  "AJnp2FE=";

/** The text that is in zstdLines. */
export const linesInZstd = Array.from(
  { length: 40_000 },
  (_, line) => `line ${(line % 500) ** 2 % 997}`,
).join("\n");

export const zstdLines = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
