#include "model/mamba2_layer.h"

namespace nemotron {

void mamba2_layer(Backend& backend, const Mamba2Weights& w, const StepBatch& batch, int layer,
                  const Activations& activations) {
  const Mamba2Activations a = activations.mamba2(batch.n_rows);
  const std::int64_t d_inner = w.ssm.n_heads * w.ssm.head_dim;
  const std::int64_t bc_dim = w.ssm.n_groups * w.ssm.d_state;

  backend.linear(activations.normed(batch.n_rows), w.in_proj, a.zxBCdt);
  const TensorView z = a.zxBCdt.columns(0, d_inner);
  const TensorView xBC = a.zxBCdt.columns(d_inner, w.conv.conv_dim);
  const TensorView dt = a.zxBCdt.columns(d_inner + w.conv.conv_dim, w.ssm.n_heads);

  backend.causal_conv1d(batch, layer, xBC, w.conv, a.xBC);
  const TensorView x = a.xBC.columns(0, d_inner);
  const TensorView B = a.xBC.columns(d_inner, bc_dim);
  const TensorView C = a.xBC.columns(d_inner + bc_dim, bc_dim);

  backend.ssm_scan(batch, layer, x, B, C, dt, w.ssm, a.y);
  backend.gated_group_norm(a.y, z, w.gated_norm, a.gated);
  backend.linear(a.gated, w.out_proj, activations.mixed(batch.n_rows));
}

}  // namespace nemotron
