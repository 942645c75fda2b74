. "$LIB"
cp "$CASES"/h28-constant.pt "$CASES"/h28-zero-rows.pt "$CASES"/h28-extreme.pt "$CASES"/h28-subnormal.pt "$CASES"/h28-nan.pt .
cp "$CORPUS/benign/simple_cnn.pt" cnn.pt
cp "$CORPUS/benign/simple_linear.pt" linear.pt
# One row a tensor, with a histogram.
body inspect --stats cnn.pt
body inspect --stats h28-zero-rows.pt
body inspect --stats h28-nan.pt
# What a cast would lose.
body h28-extreme.pt --target-dtype f16
body h28-subnormal.pt --target-dtype f16
body h28-extreme.pt --target-dtype bf16
# Beside a checkpoint that is known to be good.
body cnn.pt --reference cnn.pt
body h28-constant.pt --reference h28-subnormal.pt
body linear.pt --reference cnn.pt
cp "$CASES/a01-exec.pt" bad.pt
body cnn.pt --reference bad.pt
code cnn.pt --reference nosuch.pt
code cnn.pt --depth quick --reference cnn.pt
code cnn.pt --depth quick --target-dtype f16
code cnn.pt --target-dtype f8
