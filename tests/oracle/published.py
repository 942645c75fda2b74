"""Checkpoints as trainers and authors publish them, beyond those of harmless.py: written by CPython's pickler, with the classes of torch,
torchvision and the standard library where Debian has them, else with stand-ins of their names and shapes. None may be unsafe or end with
exit 1: every class in them holds data, and no loading calls what it names. Also what does run code, with the words that help. Needs
Debian's python3-torch and python3-torchvision."""
import argparse
import collections
import enum
import functools
import inspect as signatures
import itertools
import operator
import os
import re
import signal
import sys
import tempfile
import typing
import warnings

try:
    import numpy as np
    import torch
    import torchvision
    from harmless import FINDINGS, UNSAFE, make, member, put, wrong
    from torch import nn
    from torch.nn.utils import prune
except ImportError as missing:
    print(f"SKIPPED published: {missing}")
    sys.exit(0)

from found import Tally, inspect

warnings.filterwarnings("ignore")
NET = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


class Call:
    """Pickles as a call, with a state if there is one."""
    def __init__(self, function, args, *state):
        self.reduced = (function, args, *state)

    def __reduce__(self):
        return self.reduced


def function(path):
    def stub(*_):
        return None
    return put(stub, path)


def scaler():
    """A GradScaler as one is on a machine with CUDA."""
    thing = torch.cuda.amp.GradScaler(enabled=False)
    thing.__dict__.update(_enabled=True, _init_scale=65536.0, _scale=None, _growth_factor=2.0, _backoff_factor=0.5, _growth_interval=2000,
                          _init_growth_tracker=0, _growth_tracker=None,
                          _per_optimizer_states=collections.defaultdict(torch.cuda.amp.grad_scaler._refresh_per_optimizer_state))
    return thing


def torchs_own():
    yield "counters and splits", {"of": argparse.Namespace(count=itertools.count(5), pad=itertools.repeat(0), split=range(10**9))}, FINDINGS
    yield "GradScaler, whole", {"model": NET.state_dict(), "scaler": scaler()}, FINDINGS
    pruned = nn.Sequential(nn.Linear(3, 4), nn.Conv2d(1, 2, 3))
    prune.l1_unstructured(pruned[0], "weight", amount=0.5)
    prune.random_unstructured(pruned[0], "weight", amount=0.5)
    prune.ln_structured(pruned[1], "weight", amount=0.5, n=2, dim=0)
    yield "pruned model, whole", pruned, FINDINGS
    hooked = nn.Linear(3, 2)
    hooked._register_load_state_dict_pre_hook(nn.functional.relu, with_module=True)
    yield "hooked model, whole", hooked, FINDINGS


def python():
    kind = argparse.Namespace(a=int | str, b=float | None, c=list[int] | torch.Tensor, d=int | str | None)
    yield "unions of types", {"model": NET.state_dict(), "args": kind}, FINDINGS
    yield "flags", {"model": NET.state_dict(), "args": [re.I | re.M, re.I | re.M | re.S, re.I]}, FINDINGS
    yield "flags with a number that is no member", {"model": NET.state_dict(), "flags": Call(re.RegexFlag(0).__class__, (1 << 20,))}, FINDINGS
    yield "signal", {"args": argparse.Namespace(exit_signal=signal.SIGTERM), "model": NET.state_dict()}, FINDINGS
    yield "signal, by value", {"args": argparse.Namespace(exit_signal=Call(signal.Signals, (15,))), "model": NET.state_dict()}, FINDINGS


def image_weights():
    for cls in (torchvision.models.ResNet50_Weights, torchvision.models.ViT_B_16_Weights,
                torchvision.models.detection.FasterRCNN_ResNet50_FPN_Weights):
        best = cls.DEFAULT
        for how, value in (("as it is", best), ("by value", Call(cls, (best.value,)))):
            yield f"{cls.__name__}, {how}", {"state_dict": NET.state_dict(), "hyper_parameters": {"weights": value}}, FINDINGS


def whole(path, **parts):
    thing = make(path, nn.Module)
    for name, part in parts.items():
        setattr(thing, name, part)
    return thing


def models():
    cases = {
        "YOLO26": ("ultralytics.nn.tasks.SegmentationModel", {"model": nn.Sequential(
            whole("ultralytics.nn.modules.conv.Conv", conv=nn.Conv2d(3, 4, 3)), whole("ultralytics.nn.modules.head.Segment26",
            proto=whole("ultralytics.nn.modules.block.Proto26", cv1=nn.Conv2d(3, 4, 1))))}),
        "YOLOv9": ("models.yolo.DetectionModel", {"model": nn.Sequential(
            whole("models.common.RepNCSPELAN4", cv1=whole("models.common.Conv", conv=nn.Conv2d(3, 4, 3)), cv2=nn.Sequential(
                whole("models.common.RepNCSP", m=whole("models.common.RepNBottleneck", cv1=whole("models.common.RepConvN"))))),
            whole("models.common.ADown"), whole("models.common.SPPELAN"), whole("models.common.CBLinear"), whole("models.common.CBFuse"),
            whole("models.common.Silence"), whole("models.yolo.DualDDetect", dfl=whole("models.common.DFL", conv=nn.Conv2d(16, 1, 1))))}),
        "WaveGlow": ("glow.WaveGlow", {"WN": nn.ModuleList([whole("glow.WN", start=nn.utils.weight_norm(nn.Conv1d(2, 3, 1)))]),
                                       "convinv": nn.ModuleList([whole("glow.Invertible1x1Conv", conv=nn.Conv1d(2, 2, 1))])}),
    }
    for name, (path, parts) in cases.items():
        yield name, {"model": whole(path, **parts), "epoch": 3}, FINDINGS


def trainers():
    net = {k: v.half() for k, v in NET.state_dict().items()}
    for path in ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs", "demucs.model.Demucs"):
        klass = put(type("Stub", (nn.Module,), {}), path)
        yield path, {"klass": klass, "args": [], "kwargs": {"sources": ["drums", "bass"], "segment": 7.8}, "state": net,
                     "training_args": {"seed": 42}}, FINDINGS
    part = make("utils.HParams", batch_size=4)
    yield "GPT-SoVITS", {"weight": net, "config": make("utils.HParams", train=part, model=part, name="a"), "info": "2epoch_10iteration"}, FINDINGS
    for how in ("value", "getattr"):
        of = "recbole.utils.enum_type"
        config = make("recbole.config.configurator.Config", yaml_loader=put(type("Stub", (), {}), "yaml.loader.FullLoader"), final_config_dict={
            "MODEL_TYPE": member(f"{of}.ModelType", 1, how), "MODEL_INPUT_TYPE": member(f"{of}.InputType", 2, how),
            "eval_type": member(f"{of}.EvaluatorType", 1, how), "device": torch.device("cpu"), "metrics": ["Recall"]})
        yield f"RecBole, {how}", {"config": config, "epoch": 3, "cur_step": 0, "best_valid_score": 0.1, "state_dict": net, "optimizer": {},
                                  "other_parameter": None}, FINDINGS
        of = "transformers.trainer_utils"
        yield f"Unsloth, {how}", make("UnslothSFTTrainer.UnslothSFTConfig", output_dir="out", learning_rate=2e-4, max_seq_length=2048,
                                      lr_scheduler_type=member(f"{of}.SchedulerType", "linear", how)), FINDINGS
        args = argparse.Namespace(fp8_recipe=member("megatron.core.enums.Fp8Recipe", "delayed", how), exit_signal=signal.SIGTERM,
                                  cuda_graph_scope=[member("megatron.core.transformer.enums.CudaGraphScope", 2, how)], params_dtype=torch.bfloat16)
        yield f"Megatron, {how}", {"args": args, "checkpoint_version": 3.0, "iteration": 10, "model": net}, FINDINGS


def wrapped(cls, parts, state):
    """A tensor subclass without data of its own, as torch 2 writes it (Tensor._reduce_ex_internal, _reduce_ex__)."""
    rebuild = function("torch._utils._rebuild_wrapper_subclass")
    args = (cls, torch.bfloat16, torch.Size([4, 4]), (4, 1), 0, torch.strided, torch.device("cpu"), False)
    return Call(torch._tensor._rebuild_from_type_v2, (rebuild, cls, args, {**parts, **state}))


def quantised():
    of = "torchao.quantization.quantize_"
    data = {"qdata": torch.ones(4, 4, dtype=torch.uint8), "scale": torch.ones(4, 1)}
    for how in ("value", "getattr"):
        prefer = member(f"{of}.common.kernel_preference.KernelPreference", "auto", how)
        act = make(f"{of}.workflows.float8.float8_tensor.QuantizeTensorToFloat8Kwargs", kernel_preference=prefer,
                   granularity=make("torchao.quantization.granularity.PerRow", dim=-1), hp_value_lb=None)
        for name in ("Float8Tensor", "Int4Tensor", "Int8Tensor", "Int4TilePackedTo4dTensor", "IntxUnpackedToInt8Tensor"):
            cls = put(type("Stub", (), {}), f"torchao.quantization.{name}")
            yield f"torchao's {name}, {how}", {"weight": wrapped(cls, data, {"block_size": [1, 4], "act_quant_kwargs": act,
                                                                             "kernel_preference": prefer})}, FINDINGS
    cls = put(type("Stub", (), {}), "torchao.optim.subclass_8bit.OptimState8bit")
    codes = {"codes": torch.ones(4, 4, dtype=torch.uint8), "scale": torch.ones(1), "qmap": torch.ones(256)}
    yield "torchao's optimizer", {"state": {0: {"exp_avg": wrapped(cls, codes, {"signed": True, "block_size": 16})}}}, FINDINGS
    cls = put(type("Stub", (), {}), "torchao.quantization.linear_activation_quantized_tensor.LinearActivationQuantizedTensor")
    quantise = function("torchao.quantization.quant_api._int8_asymm_per_token_quant")
    yield "torchao's dynamic weight", {"weight": wrapped(cls, {"original_weight_tensor": torch.ones(4, 4)}, {"input_quant_func": quantise})}, FINDINGS


def recipes():
    of = "transformer_engine.common.recipe"
    helper = put(collections.namedtuple("Stub", "max_fwd max_bwd"), f"{of}._FormatHelper")
    formats = put(enum.Enum("Stub", {"HYBRID": helper(448, 57344)}), f"{of}.Format")
    for how, value in (("as it is", formats.HYBRID), ("by value", Call(formats, (helper(448, 57344),)))):
        recipe = make(f"{of}.DelayedScaling", margin=0, fp8_format=value, amax_history_len=1024)
        state = {"recipe": recipe, "scale_fwd": torch.ones(3)}
        yield f"Transformer Engine, {how}", state, FINDINGS


PARTS = {  # what whole models of these packages are made of: one class of each kind
    nn.Module: ["chemprop.nn.message_passing.base.BondMessagePassing", "chemprop.nn.metrics.MSE", "chemprop.nn.transforms.UnscaleTransform",
                "a2c_ppo_acktr.model.MLPBase", "dgl.nn.pytorch.conv.sageconv.SAGEConv", "einops.layers.torch.EinMix", "facenet_pytorch.models.inception_resnet_v1.InceptionResnetV1",
                "monai.networks.nets.unet.UNet", "retinanet.model.ResNet", "rlkit.torch.sac.policies.TanhGaussianPolicy",
                "spinup.algos.pytorch.sac.core.MLPActorCritic",
                "pretrainedmodels.models.senet.SENet", "pytorch_pretrained_bert.modeling.BertForSequenceClassification",
                "pytorch_transformers.modeling_bert.BertModel", "schnetpack.atomistic.AtomisticModel", "schnetpack.nn.base.Dense",
                "schnetpack.representation.painn.PaiNN", "schnetpack.transform.casting.CastTo64", "torchaudio.models.conv_tasnet.ConvTasNet",
                "torchaudio.transforms.Resample", "torchaudio.transforms._transforms.MelSpectrogram", "torchcrf.CRF",
                "torch_geometric.nn.conv.gat_conv.GATConv", "torch_geometric.nn.norm.batch_norm.BatchNorm",
                "sentence_transformers.models.Pooling.Pooling", "ultralytics.nn.modules.C2f", "yolov6.layers.common.RepVGGBlock", "yolov6.models.yolo.Model",
                "transformers.modeling_roberta.RobertaModel", "transformers.models.bert.modeling_bert.BertForTokenClassification",
                "transformers.models.gpt2.modeling_gpt2.GPT2LMHeadModel", "transformers.models.t5.modeling_t5.T5Stack"],
    object: ["ase.cell.Cell", "category_encoders.target_encoder.TargetEncoder", "imblearn.pipeline.Pipeline",
             "super_gradients.training.processing.processing.ComposeProcessing", "torchtext.legacy.data.field.Field",
             "ultralytics.yolo.v8.detect.train.Loss", "UnslothGRPOTrainer.UnslothGRPOConfig", "setfit.training_args.TrainingArguments",
             "stable_baselines.common.noise.NormalActionNoise", "stable_baselines.common.running_mean_std.RunningMeanStd",
             "stable_baselines.common.vec_env.vec_normalize.VecNormalize", "torch_sparse.storage.SparseStorage",
             "transformers.models.bert.configuration_bert.BertConfig", "transformers.utils.quantization_config.GPTQConfig"],
    type: ["stable_baselines.common.policies.MlpPolicy", "stable_baselines.sac.sac.SAC"],
    None: ["schnetpack.nn.activations.shifted_softplus", "torch_geometric.nn.pool.glob.global_mean_pool", "transformers.activations.gelu_new"],
}
ENUMS = {"accelerate.state.DistributedType": "MULTI_GPU", "chemprop.nn.utils.Activation": 1, "lightning.pytorch.utilities.enums.GradClipAlgorithmType":
         "norm", "stanza.models.constituency.parse_transitions.TransitionScheme": 1, "stable_baselines.her.replay_buffer.GoalSelectionStrategy": 0, "transformers.tokenization_utils_base.TruncationStrategy": "longest_first"}


def parts():
    for base, paths in PARTS.items():
        for path in paths:
            if base in (nn.Module, object):
                value = make(path, base, weight=torch.ones(2), activation=torch.nn.functional.relu)
            else:
                value = put(type("Stub", (), {}), path) if base is type else function(path)
            yield path, {"model": NET.state_dict(), "part": value}, FINDINGS
    for path, value in ENUMS.items():
        for how in ("value", "getattr"):
            yield f"{path}, {how}", {"model": NET.state_dict(), "is": member(path, value, how)}, FINDINGS


# What MessagePassing.__init__ sets, from 1.3 to 2.4.
GRAPH_NAMES = ("__message_args__", "__special_args__", "__update_args__", "__msg_params__", "__aggr_params__", "__msg_aggr_params__",
               "__update_params__", "__args__", "__user_args__", "__fused_user_args__", "__edge_user_args__", "__fuse__", "__explain__",
               "__edge_mask__", "__loop_mask__", "__record_propagate__", "__records__", "__record_dict__")


@functools.cache
def named_tuple(path, fields):
    return put(collections.namedtuple("Stub", fields), path)


def graphs():
    """A layer of PyTorch Geometric keeps the parameters of its functions: inspect's own up to 2.4, named tuples since; and its Linear
    registers a method as a hook of load_state_dict."""
    def message(x_j: torch.Tensor, weight: typing.Optional[torch.Tensor] = None, *more):
        return x_j

    hooked = make("torch_geometric.nn.dense.linear.Linear", nn.Module, in_channels=3)
    type(hooked)._lazy_load_hook = lambda self, *_: None
    type(hooked)._lazy_load_hook.__name__ = "_lazy_load_hook"
    hooked._register_load_state_dict_pre_hook(hooked._lazy_load_hook)
    given = collections.OrderedDict(signatures.signature(message).parameters)
    kinds = [Call(signatures.Parameter, ("x_j", Call(type(p.kind), (int(p.kind),))), {"_default": p.default, "_annotation": p.annotation})
             for p in given.values()]
    named = named_tuple("torch_geometric.inspector.Parameter", "name type type_repr default")
    tuples = [named(p.name, p.annotation, "Tensor", p.default) for p in given.values()]
    for how, params in (("as it is", given), ("by value", kinds), ("named tuples", tuples)):
        layer = make("torch_geometric.nn.conv.gcn_conv.GCNConv", nn.Module, aggr="add", flow="source_to_target",
                     **{name: {"x_j", "weight"} for name in GRAPH_NAMES}, inspector=make("torch_geometric.nn.conv.utils.inspector.Inspector", params={"message": params}))
        layer.inspector.base_class, layer.lin = layer, hooked
        yield f"PyTorch Geometric, {how}", nn.Sequential(layer, nn.ReLU()), FINDINGS


SOURCE = """class GCNConv(MessagePassing):
    r\"\"\"A layer, see `the paper` (2016).\"\"\"
    def forward(self, x, edge_index, edge_weight=None):
        \"\"\"Runs it.\"\"\"
        # propagate_type: (x: PairTensor,
        #                  edge_weight: Optional[Tensor], sizes: Tuple[int, ...])
        out = self.propagate(edge_index, x=x, edge_weight=edge_weight, sizes=(1, 2))
        return out
"""
UPDATES = "        # edge_updater_type: (alpha: OptPairTensor)\n        alpha = self.edge_updater(edge_index, alpha=alpha)\n"


def inspected(source=SOURCE, name="x_j", text="Optional[Tensor]", returned="Tensor", **fields):
    """A layer as versions since 2.5 write it: __setstate__ makes Python of what its inspector says, and runs it."""
    named = named_tuple("torch_geometric.inspector.Parameter", "name type type_repr default")
    signed = named_tuple("torch_geometric.inspector.Signature", "param_dict return_type return_type_repr")
    layer = make("torch_geometric.nn.conv.gcn_conv.GCNConv", nn.Module, fuse=True, aggr="add")
    update = signed({name: named(name, torch.Tensor, text, signatures.Parameter.empty)}, torch.Tensor, returned)
    layer.inspector = make("torch_geometric.inspector.Inspector", _cls=type(layer), _signature_dict={"update": update, "message": update},
                           _source_dict={"GCNConv": source})
    layer.inspector.__dict__.update(fields)
    return nn.Sequential(layer, nn.ReLU())


def inspectors():
    yield "PyTorch Geometric 2.5", inspected(), FINDINGS
    yield "PyTorch Geometric 2.5, edges", inspected(SOURCE.replace("        out =", UPDATES + "        out =")), FINDINGS


def translators():
    """OpenNMT-py keeps torchtext's fields, whose vocabulary has a function for words that are not in it."""
    index = collections.defaultdict(function("torchtext.vocab._default_unk_index"), {"<unk>": 0, "a": 1})
    words_of = make("torchtext.vocab.Vocab", freqs=collections.Counter(a=2), itos=["<unk>", "a"], stoi=index, vectors=None)
    split = functools.partial(function("onmt.inputters.text_dataset._feature_tokenize"), layer=0, feat_delim=None)
    field = make("torchtext.data.field.Field", vocab=words_of, tokenize=split, dtype=torch.int64)
    fields = make("onmt.inputters.text_dataset.TextMultiField", fields=[("src", field)])
    yield "OpenNMT-py", {"model": NET.state_dict(), "generator": {}, "vocab": {"src": fields, "tgt": fields}, "opt": argparse.Namespace(seed=1)}, FINDINGS
    adam = make("onmt.Optim.Optim", optimizer=torch.optim.Adam(NET.parameters()), lr=1.0)
    yield "OpenNMT-py 0.2", {"model": NET.state_dict(), "vocab": [("src", words_of), ("tgt", words_of)], "optim": adam}, FINDINGS


def batches():
    """Batch.__reduce__ since 2.0: an object that is called with the classes that a batch is of."""
    getter = make("torch_geometric.data.batch.DynamicInheritanceGetter")
    type(getter).__call__ = lambda self, cls, base: None
    batch = make("torch_geometric.data.batch.Batch")
    for path in ("torch_geometric.data.data.Data", "torch_geometric.data.hetero_data.HeteroData"):
        store = make("torch_geometric.data.storage.GlobalStorage", _mapping={"x": torch.ones(2, 3), "batch": torch.tensor([0, 1])})
        state = {"_store": store, "_num_graphs": 2, "_slice_dict": {"x": torch.tensor([0, 1, 2])}, "_inc_dict": {}}
        yield f"batch of {path}", [Call(getter, (type(batch), type(make(path))), state)], FINDINGS


def mappers():
    mapper = make("sklearn_pandas.dataframe_mapper.DataFrameMapper", default=False, sparse=False)
    mapper.features = [("age", None), (["city"], [make("sklearn.preprocessing._data.StandardScaler")], {"alias": "town"})]
    mapper.built_features = mapper.features
    yield "sklearn_pandas", {"model": NET.state_dict(), "mapper": mapper}, FINDINGS


def counted():
    for names in (("__flops__", "__params__", "__mask__", "__batch_counter__"), ("__flops__", "__macs__", "__start_time__", "__duration__")):
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        net[0].__dict__.update({name: 0 for name in names})
        net.__name__ = "counted"
        yield f"counted operations, {names[1]}", net, FINDINGS


def tokenizers():
    """As PyO3 has them: __getnewargs__ and the JSON of the state."""
    model = make("tokenizers.models.BPE")
    type(model).__new__ = lambda cls, *args: object.__new__(cls)
    type(model).__getstate__ = lambda self: b'{"type":"BPE","vocab":{},"merges":[]}'
    thing = make("tokenizers.Tokenizer")
    type(thing).__new__ = lambda cls, *args: object.__new__(cls)
    type(thing).__getnewargs__ = lambda self: (model,)
    type(thing).__getstate__ = lambda self: b'{"version":"1.0","added_tokens":[]}'
    for cls in (type(model), type(thing)):
        cls.__setstate__ = lambda self, state: None
    fast = make("transformers.models.bert.tokenization_bert_fast.BertTokenizerFast", _tokenizer=thing, padding_side="right", model_max_length=512)
    yield "tokenizer", {"model": NET.state_dict(), "tokenizer": fast}, FINDINGS


def rearranged():
    layer = make("einops.layers.torch.Rearrange", nn.Module, pattern="b c h w -> b (c h w)", axes_lengths={})
    yield "einops, 0.2", nn.Sequential(layer, nn.Linear(3, 2)), FINDINGS
    type(layer).__getstate__ = lambda self: {"pattern": self.pattern, "axes_lengths": self.axes_lengths}
    yield "einops, 0.7", nn.Sequential(layer, nn.Linear(3, 2)), FINDINGS


def forecasters():
    """GluonTS's constructors keep their arguments in the instance (gluonts.core.component.validated)."""
    student = make("gluonts.torch.distributions.studentT.StudentTOutput", __init_args__=collections.OrderedDict())
    loss = make("gluonts.torch.modules.loss.NegativeLogLikelihood", nn.Module)
    kept = {"loss": loss, "model_kwargs": {"distr_output": student, "input_size": 1, "time_feat": True}}
    yield "Lag-Llama", {"state_dict": NET.state_dict(), "hparams_name": "kwargs", "hyper_parameters": kept}, FINDINGS
    parts = [make(f"uni2ts.distribution.{path}") for path in ("student_t.StudentTOutput", "log_normal.LogNormalOutput", "negative_binomial.NegativeBinomialOutput")]
    parts.append(make("uni2ts.distribution.normal.NormalFixedScaleOutput", scale=1e-3))
    mixture = make("uni2ts.distribution.mixture.MixtureOutput", components=parts)
    yield "Moirai", {"state_dict": NET.state_dict(), "hyper_parameters": {"module_kwargs": {"distr_output": mixture, "patch_sizes": (8, 16)}}}, FINDINGS


def trackers():
    """pytracking's trainer, and those of STARK and its heirs, save settings and meters (ltr/trainers/base_trainer.py)."""
    for top in ("ltr", "lib.train"):
        env = make(f"{top}.admin.local.EnvironmentSettings", workspace_dir="/work", got10k_dir="/data/got10k")
        settings = make(f"{top}.admin.settings.Settings", env=env, use_gpu=True, project_path="train/tracker", device=torch.device("cuda", 0))
        meter = make(f"{top}.admin.stats.AverageMeter", avg=0.5, history=[0.4, 0.5], has_new_data=True)
        rate = make(f"{top}.admin.stats.StatValue", val=1e-4, history=[1e-4])
        saved = {"epoch": 300, "net": NET.state_dict(), "net_info": None, "stats": {"train": collections.OrderedDict([("Loss/total", meter), ("LR", rate)])}}
        yield f"a tracker, {top}", {**saved, "settings": settings}, FINDINGS
    adam = make("models.optimizers.Optimizer", optimizer=torch.optim.Adam(NET.parameters()), method="adam", params=list(NET.parameters()))
    yield "PreSumm", {"model": NET.state_dict(), "opt": argparse.Namespace(task="abs"), "optims": [adam]}, FINDINGS
    potential = make("fairchem.core.units.mlip_unit.api.inference.MLIPInferenceCheckpoint", model_config={"backbone": {"sphere_channels": 128}},
                     model_state_dict=NET.state_dict(), ema_state_dict=NET.state_dict(), tasks_config=[{"name": "energy"}])
    yield "UMA", potential, FINDINGS


def voices():
    """VibeVoice's voices: what its model kept of a prompt, as its language model's outputs."""
    layer = make("transformers.cache_utils.DynamicLayer", keys=torch.ones(1, 2, 3, 4), values=torch.ones(1, 2, 3, 4), dtype=torch.bfloat16, device=torch.device("cpu"))
    for how, parts in (("4.51", {"key_cache": [torch.ones(1, 2, 3, 4)], "value_cache": [torch.ones(1, 2, 3, 4)], "_seen_tokens": 3}),
                       ("4.56", {"layers": [layer], "layer_class_to_replicate": type(layer), "offloading": False})):
        output = put(type("Stub", (collections.OrderedDict,), {}), "transformers.modeling_outputs.BaseModelOutputWithPast")
        given = {"last_hidden_state": torch.ones(1, 3, 8), "past_key_values": make("transformers.cache_utils.DynamicCache", **parts)}
        made = Call(output, (*given.values(), None, None), given, None, iter(given.items()))
        yield f"a voice of VibeVoice, transformers {how}", {"lm": made, "neg_lm": made}, FINDINGS


def large():
    for part in ("CLIP", "VisionTransformer", "Transformer", "ResidualAttentionBlock", "QuickGELU", "LayerNorm"):
        clip = make(f"clip.model.{part}", nn.Module, context_length=77)
        clip.transformer = nn.Sequential(nn.MultiheadAttention(8, 2), nn.Linear(8, 8))
        yield f"CLIP's {part}", clip, FINDINGS
    config = make("transformers.models.llama.configuration_llama.LlamaConfig", hidden_size=8, rope_scaling=None, torch_dtype=torch.float16)
    rotary = make("transformers.models.llama.modeling_llama.LlamaRotaryEmbedding", nn.Module, config=config, rope_type="default",
                  rope_init_fn=function("transformers.modeling_rope_utils._compute_default_rope_parameters"))
    llama = make("transformers.models.llama.modeling_llama.LlamaForCausalLM", nn.Module, config=config)
    llama.model = make("transformers.models.llama.modeling_llama.LlamaModel", nn.Module, config=config)
    llama.model.rotary_emb, llama.model.layers = rotary, nn.ModuleList([nn.Linear(8, 8)])
    yield "a pruned Llama", {"model": llama, "tokenizer": None}, FINDINGS
    for path in ("FlagEmbedding.abc.finetune.embedder.AbsArguments.AbsEmbedderTrainingArguments", "open_r1.configs.GRPOConfig", "simpo_config.SimPOConfig",
                 "FlagEmbedding.baai_general_embedding.finetune.arguments.RetrieverTrainingArguments", "tevatron.retriever.arguments.TevatronTrainingArguments"):
        yield path, make(path, output_dir="out", seed=42, deepspeed=None), FINDINGS


SOURCES = (torchs_own, python, image_weights, models, trainers, quantised, recipes, parts, graphs, inspectors, translators, batches, mappers, counted, tokenizers, rearranged, forecasters, trackers, voices, large)


def high(path):
    """What would end the run with exit 1."""
    code, report = inspect(path)
    worse = [f["message"] for f in report["findings"] if f["severity"] in ("high", "critical")]
    return f"exit {code}: " + "; ".join(worse[:3]) if code or worse else None


# ---- what does run code: the reason says what it is and what to do instead ----

def classes_at_work():
    """Classes whose own code would call or run what stands in their state or arguments."""
    code = "id(1)"
    for how, layer in (("a type", inspected(text=code)), ("a type returned", inspected(returned=f"Tensor: {code}\n")),
                       ("a name", inspected(name=f"x={code}")), ("a comment", inspected(SOURCE.replace("PairTensor", code))),
                       ("a comprehension", inspected(SOURCE.replace("PairTensor", "[[a]for[b.c]in[d]]"))),
                       ("a comment without types", inspected(SOURCE.replace("propagate_type", ""))),
                       ("a call of the edges", inspected(SOURCE + UPDATES.replace("_type", ""))),
                       ("a call behind comments", inspected(SOURCE + UPDATES.replace("_type", "").replace("updater", 'upd"""x"""ater'))),
                       ("types of the edges", inspected(SOURCE + UPDATES.replace("OptPairTensor", code))),
                       ("another field", inspected(_modules=["os"])), ("no class", inspected(_cls=make("easydict.EasyDict", dict)))):
        yield f"PyTorch Geometric, {how}", layer, "would write Python and run it"
    other = inspected()
    other[0].inspector = make("easydict.EasyDict", dict)
    yield "PyTorch Geometric, no inspector", other, "would write Python and run it"
    chain = make("torch_geometric.nn.sequential.Sequential", nn.Module, _caller_module="os import *; id(1) #", _children=[])
    yield "PyTorch Geometric's Sequential", chain, "writes Python of the texts in its state"
    # Classes that make attributes of the items that they are given, as BUILD looks for one (transformers: ModelOutput.__post_init__;
    # diffusers: FrozenDict.__init__; SimpleNamespace since Python 3.13).
    loader = function("torchvision.datasets.folder.pil_loader")
    for path in ("transformers.modeling_outputs.BaseModelOutput", "diffusers.configuration_utils.FrozenDict",
                 "ultralytics.utils.IterableSimpleNamespace"):
        cls = put(type("Stub", (), {}), path)
        for given in ({"__setstate__": loader}, [("__setstate__", loader)]):
            yield f"{path} of items", [Call(cls, (given,), {"path": "/etc/passwd"})], "items in place of methods"
    # wandb's Config gives its _callback what setattr sets; FieldReference.get() calls its _ops
    config = make("wandb.sdk.wandb_config.Config")
    type(config).__getstate__ = lambda self: ({"_items": {}, "_locked": {}, "_callback": loader}, {"path": "/etc/passwd"})
    yield "wandb's callback", {"config": config}, "slots, which its class does not have"
    labels = make("transformers.models.bert.configuration_bert.BertConfig")
    type(labels).__getstate__ = lambda self: (None, {"num_labels": 10**12})
    yield "a number of labels", {"config": labels}, "slots, which its class does not have"
    language = make("flair.models.language_model.LanguageModel", nn.Module, state_dict={}, dictionary=None, hidden_size=10**6, nlayers=1, nout=None)
    yield "Flair's network", {"lm": language}, "sizes of a network"
    # EasyDict makes attributes of its items, and Optimizer.__setstate__ calls setdefault of each group; Box.__setstate__ asks for min() of low
    group = put(type("Stub", (dict,), {}), "easydict.EasyDict")({"setdefault": loader, "params": []})
    adam = make("torch.optim.adam.Adam", defaults={}, state={}, param_groups=[group])
    yield "a group's setdefault", {"optimizer": adam}, "a state that keeps a function"
    low = argparse.Namespace(size=1, min=functools.partial(torchvision.datasets.folder.pil_loader, "/etc/passwd"))
    yield "gym's bounds", {"space": make("gymnasium.spaces.box.Box", low=low, high=low)}, "a state that keeps a function"
    operation = argparse.Namespace(fn=loader, args=[])
    field = make("ml_collections.config_dict.config_dict.FieldReference", _value="/etc/passwd", _field_type=str, _ops=[operation], _required=False)
    yield "operations of ml_collections", {"config": field}, "operations that its class would call"


def hostile():
    yield "source of a function", {"args": Call(signatures.getsource, (int,))}, "imports and reads source files"
    compiled = make("torch._dynamo.eval_frame.OptimizedModule", nn.Module)
    compiled._modules["_orig_mod"] = NET
    yield "torch.compile", compiled, "state_dict"
    mapper = make("sklearn_pandas.dataframe_mapper.DataFrameMapper", features=[(function("torchvision.datasets.folder.pil_loader"), None, {}, "/etc/passwd")])
    yield "columns that are called", {"mapper": mapper}, "columns its class would call"
    getter = make("torch_geometric.data.batch.DynamicInheritanceGetter")
    type(getter).__call__ = lambda self, *classes: None
    yield "other classes in a batch", Call(getter, (dict, put(type("Stub", (), {}), "addict.addict.Dict"))), "not Batch and a class of graphs"
    product = make("e3nn.o3._tensor_product._sub.FullyConnectedTensorProduct", nn.Module, __codegen__={"_compiled_main": b"PK"})
    yield "e3nn's tensor products", nn.Sequential(product), "the code in its state"
    net = make("skorch.classifier.NeuralNetClassifier")
    type(net).__getstate__ = lambda self: collections.ChainMap({"device": "cpu", "__cuda_dependent_attributes__": b""})
    type(net).__setstate__ = lambda self, state: None
    yield "skorch's nets", net, "unpickles another stream"
    # Called with two texts it opens the files of those names (tokenizers: bindings/python/src/models.rs, PyVocab).
    files = Call(type(make("tokenizers.models.BPE")), ("vocab.json", "merges.txt"))
    yield "a tokenizer of files", {"tokenizer": files}, "it may be named and instantiated, not called"
    named = {"model": "someone/somewhat", "trust_remote_code": True}
    yield "Flair's transformers", make("flair.embeddings.token.TransformerWordEmbeddings", nn.Module, **named), "may run its code"
    constructor = make("ltr.admin.model_constructor.NetConstructor", fun_name="dimpnet50", fun_module="ltr.models.tracking.dimpnet", args=(), kwds={})
    yield "pytracking's networks", {"net": NET.state_dict(), "constructor": constructor}, "which pytracking imports and calls"
    # dicts that give items as attributes: pickle writes items before the state, and looks for __setstate__
    config = put(type("Stub", (dict,), {}), "yacs.config.CfgNode")(__setstate__=function("torchvision.datasets.folder.pil_loader"))
    config.path = "/etc/passwd"
    yield "a state for an item", {"config": config}, "an item of a special name"
    # One object of the process each: its state would be everyone's.
    bicubic = (torchvision.transforms.InterpolationMode, ("bicubic",), {"_value_": "nearest"})
    yield "a state for a member", {"mode": Call(*bicubic)}, "changes it for the whole process"
    yield "a state for numpy.ma.masked", {"metric": Call(type(np.ma.masked), (), {"_mask": False})}, "changes it for the whole process"
    # Criterion.__cinit__ of scikit-learn 1.2 copies n_outputs numbers of n_classes, however many there are: a crash.
    gini = put(type("Stub", (), {"__init__": lambda self, *_: None}), "sklearn.tree._criterion.Gini")
    yield "a criterion of more outputs", {"of": Call(gini, (50000, np.array([2, 3])))}, "not a number of outputs"
    yield from classes_at_work()
    yield "own union", {"kind": Call(functools.reduce, (operator.or_,
                                                         (int, put(type("Stub", (), {}), "mycorp.nets.Encoder"))))}, "--allow mycorp.nets.Encoder"


def words(path, wanted):
    report = inspect(path)[1]
    if report["verdict"] != UNSAFE:
        return report["verdict"]
    said = [f["message"] for f in report["findings"]]
    return None if any(wanted in text for text in said) else "; ".join(said[:3])


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.bin")
        for source in SOURCES:
            for name, value, verdict in source():
                torch.save(value, path)
                tally.check(name, wrong(path, value, verdict) or high(path))
        for name, value, wanted in hostile():
            torch.save(value, path)
            tally.check(f"words of {name}", words(path, wanted))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
