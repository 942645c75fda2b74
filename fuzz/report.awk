# What the sittings in sittings.tsv come to: by target, then in all.
BEGIN { FS = "\t" }
/^#/ { next }
{
  if (!($2 in runs)) order[++n] = $2
  runs[$2] += $6; seconds[$2] += $5; crashes[$2] += $10; hangs[$2] += $11
  edges[$2] = $7; of[$2] = $8; inputs[$2] = $9
  all += $6; time += $5; broke += $10 + $11
}
END {
  print "| target | executions | hours | edges (last sitting) | inputs | crashes, hangs |"
  print "|---|---:|---:|---:|---:|---:|"
  for (i = 1; i <= n; i++) {
    t = order[i]
    printf "| %s | %.1f M | %.2f | %s of %s | %s | %d, %d |\n", t, runs[t] / 1e6, seconds[t] / 3600, edges[t], of[t], inputs[t], crashes[t], hangs[t]
  }
  printf "| all | %.1f M | %.2f | | | %d |\n", all / 1e6, time / 3600, broke
}
