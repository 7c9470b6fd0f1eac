"""The suite runs on both backends: which tests do not, and why; and the parity tests' lines on the stand-in for cupy."""

import ast
import functools
import importlib
import inspect
import pathlib

import pytest

import engine

FOLDER = pathlib.Path(__file__).parent

# Files whose tests run on the CPU alone, with the reason.
FILES_ON_THE_CPU = {
    "test_batch_last.py": "how convolution uses the CPU",
    "test_unpacked.py": "products of OpenBLAS",
    "test_threads.py": "how work is shared among the CPU's cores",
    "test_viz_notebook.py": "runs notebooks",
    "test_viz.py": "what is shown was copied to the CPU; test_viz_parts.py captures a step on both",
    "test_viz_parts.py": "data about graphs; copies and a captured step are taken on both",
    "test_capture.py": "what is shown was copied to the CPU; test_viz_parts.py captures a step on both",
    "test_drawing.py": "shapes",
    "test_memory.py": "main memory, which the C library keeps",
    "test_exports.py": "files and texts",
    "test_gallery.py": "a page and its pictures",
    "test_fold.py": "plain data",
    "test_layout.py": "places",
    "test_rules.py": "words about derivatives; the derivatives themselves are taken on both (test_table.py)",
    "test_parity": "torch is on the CPU; test_lines_give_the_same_on_the_stand_in runs the same lines",
    "test_parity_optim.py": "torch is on the CPU; test_the_same_on_the_stand_in takes steps there",
    "test_parity_amp.py": "torch is on the CPU; types on GPUs are compared on the stand-in",
    "test_serialization.py": "files, and arrays on the CPU; checkpoints and map_location are tried on both",
    "test_opinfo.py": "runs every sample on the stand-in as well",
    "test_errors.py": "arguments are refused before any array is touched; kinds of error are compared with torch's",
    "test_mutations.py": "breaks the code, not a backend",
    "test_signatures.py": "compares names and parameters",
    "test_reference.py": "writes a page",
    "test_size.py": "counts lines",
    "test_package.py": "imports",
    "test_names.py": "looks names up",
    "test_data_loader.py": "orders, and datasets of plain numbers; test_data.py makes batches of tensors on both",
    "test_data_workers.py": "processes send plain data and tensors on the CPU",
    "test_deep_graphs.py": "references, not arrays",
    "test_derivatives.py": "what autograd calls and when; the derivatives themselves are taken on both (test_table.py)",
    "test_elementwise.py": "single corners; test_table.py and the parity lines run every function on both",
    "test_learning_curves.py": "torch is on the CPU; the layers' values are compared on both (test_module_inputs.py)",
    "test_module_inputs.py": "runs every sample on the stand-in as well",
    "test_modules.py": "names, texts, hooks and errors; the layers' values are compared on both (test_module_inputs.py)",
    "test_machine.py": "says what machine this is",
    "test_printing.py": "prints what was copied to the CPU",
    "test_promotion.py": "types, not arrays",
    "test_vision_datasets.py": "files, and pictures on the CPU",
    "test_vision_download.py": "files and a server",
    "test_random.py": "draws are made on the CPU, then moved",
}

# Single tests, with the reason.
TESTS_ON_THE_CPU = {
    "test_fused.py": {
        "test_a_gradient_that_nobody_holds_is_not_copied": "references, not arrays",
        "test_gradients_of_parts_meet_in_one_array": "a shorter way for arrays in main memory",
        "test_a_gradient_that_somebody_else_holds_is_not_added_to": "a shorter way for arrays in main memory",
    },
    "test_kernels.py": {
        "test_cupy_compiles_one_kernel": "asks a real cupy what it would compile",
    },
    "test_arguments.py": {
        "test_a_kind_for_a_parameter_that_is_not_there_is_refused": "looks at names",
        "test_what_a_function_itself_raises_passes_unchanged": "computes nothing",
    },
    "test_autograd.py": {
        "test_unbroadcast_sums_over_the_stretched_axes": "a function of arrays; every broadcasting op calls it on both",
        "test_saved_arrays_are_freed_by_backward": "references, not arrays",
        "test_100_000_operations_deep_without_recursion_or_cycles": "references, not arrays",
        "test_only_what_is_needed_is_recorded": "edges, not arrays",
        "test_traversal_by_torch_names": "edges, not arrays",
        "test_no_grad_and_enable_grad_as_context_and_decorator": "a switch, not arrays",
    },
    "test_amp.py": {
        "test_without_a_gpu_autocast_and_scaler_are_off": "says what machine this is",
    },
    "test_strict_cupy.py": {
        "test_every_function_exists_in_the_real_cupy": "about the stand-in itself",
        "test_what_we_know_of_cupy_is_what_it_says": "about the stand-in itself",
        "test_only_the_backend_imports_cupy": "reads the code",
    },
    "test_vision_transforms.py": {
        "test_to_tensor": "makes tensors of pictures, on the CPU",
        "test_texts_are_torchvision_s": "texts",
        "test_mistakes_are_explained": "refused before any array is touched",
    },
    "test_vision_models.py": {
        "test_a_seed_gives_the_same_networks": "draws are made on the CPU, then moved",
        "test_first_values_are_torchvision_s": "draws are made on the CPU, then moved",
        "test_an_image_is_written_whole_or_not_at_all": "files",
        "test_mistakes_are_explained": "refused before any array is touched",
        "test_vision_is_loaded_when_it_is_wanted": "imports",
    },
    "test_init.py": {
        "test_the_test_of_distributions_sees_what_is_wrong": "about the test itself",
        "test_mistakes_are_explained": "refused before any array is touched",
        "test_gains": "numbers, not arrays",
        "test_layers_start_uniform_within_torch_s_bounds": "the initialisers run on both above",
        "test_embeddings_start_normal_and_the_padding_zero": "the initialisers run on both above",
        "test_a_seed_gives_the_same_layers": "draws are made on the CPU, then moved",
    },
    "test_recurrent.py": {
        "test_mistakes_raise_torch_s_kind_of_error": "refused before any array is touched",
        "test_mistakes_in_padding": "refused before any array is touched",
    },
    "test_attention.py": {
        "test_mistakes_raise_torch_s_kind_of_error": "refused before any array is touched",
        "test_first_weights_have_torch_s_distribution": "draws are made on the CPU, then moved",
    },
    "test_use.py": {
        "test_bfloat16_is_computed_in_float32_and_rounded_once": "cupy has no bfloat16",
        "test_what_is_no_part_is_refused": "refused before any array is touched",
        "test_the_badge_line_comes_once_when_it_begins": "a text",
        "test_the_badge_says_whose_each_part_is": "a text",
        "test_names_in_the_badge_are_escaped": "a text",
        "test_parts_may_come_from_a_module": "names, not arrays",
    },
    "test_nn.py": {
        "test_a_machine_without_a_gpu_says_so": "is about a machine without cupy",
        "test_a_missing_layer_names_the_nearest": "a text",
    },
    "test_functional.py": {"test_a_missing_name_says_which_is_near": "names, not arrays"},

    "test_graph.py": {"test_a_leaf_goes_with_its_last_name": "references, not arrays"},
    "test_table.py": {"test_every_entry_has_an_example": "looks at the table alone"},
    "test_tensor.py": {
        "test_types_of_new_tensors": "types are chosen before the array is moved",
        "test_no_gpu_is_said_plainly": "is about a machine without cupy",
        "test_mistakes_are_explained_in_torch_s_kind_of_error": "test_errors.py and the lines of the parity tests do more",
        "test_broadcast_error_shows_the_shapes_aligned": "a text",
        "test_printing": "prints what was copied to the CPU",
        "test_large_tensors_are_summarised": "prints what was copied to the CPU",
        "test_draws_repeat_with_the_seed_and_ignore_numpy_s_state": "draws on the CPU",
        "test_broadcasting_and_its_gradient_have_the_right_shapes": "Hypothesis runs once for all fixtures",
        "test_any_basic_index_gives_numpy_s_view": "compares with numpy's views in the same memory",
    },
    "test_inplace.py": {
        "test_random_programs_end_as_torch_s": "torch is on the CPU",
        "test_what_torch_refuses_is_refused": "refused before any array is touched",
        "test_a_silent_view_of_a_changed_base_has_no_known_history": "history, not arrays",
        "test_methods_in_place_do_what_their_twins_do": "PyTorch's samples run in place on both (test_opinfo.py)",
    },
}


# Parts of a parity test's line, or its name, that cannot be asked of another device, with the reason.
LINES_ON_THE_CPU = {
    "a.numpy()": "the line is about numpy() itself",
    "torch.as_tensor(i) is i": "as_tensor makes the tensor on the CPU, then this test moves it",
    'a.device == torch.device("cpu")': "asks where the tensor is",
    "torch.cuda.": "asks what GPUs this machine has",
    "or repr(a)": "prints where the tensor is",
    "test_histories_print_as_torch_s": "prints where the tensor is",
}


def functions_in(path):
    """The file's test functions as syntax trees."""
    return [node for node in ast.parse(path.read_text("utf-8")).body if _is_test(node)]


def _is_test(node):
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def runs_on_both(test):
    return {"device", "strict_cupy"} & {each.arg for each in test.args.args}


def is_excused(path):
    return any(path.name.startswith(name.removesuffix(".py")) for name in FILES_ON_THE_CPU)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("test_*.py")), ids=lambda path: path.name)
def test_every_test_runs_on_both_backends_or_says_why(path):
    """A new test takes the fixture `device`, or stands above with a reason."""
    if path.name == pathlib.Path(__file__).name or is_excused(path):
        return
    alone = {test.name for test in functions_in(path) if not runs_on_both(test)}
    listed = set(TESTS_ON_THE_CPU.get(path.name, ()))
    assert alone - listed == set(), "these take no `device`"
    assert listed - alone == set(), "these need no excuse"


# ---- the parity tests, once more --------------------------------------------------------------------


@pytest.fixture
def all_on_the_stand_in(strict_cupy, monkeypatch):
    """Every new tensor lies on the stand-in unless a device is asked for; `numpy()` copies it from there."""
    for name, function in list(vars(engine).items()):
        if inspect.isfunction(function) and "device" in inspect.signature(function).parameters:
            monkeypatch.setattr(engine, name, functools.partial(made_there, function))
    to_numpy = engine.Tensor.numpy

    def copied(self, *, force=False):
        return to_numpy(self if self.requires_grad else self.cpu(), force=force)

    monkeypatch.setattr(engine.Tensor, "numpy", copied)


def made_there(function, *arguments, **keywords):
    made = function(*arguments, **keywords)
    if keywords.get("device") is not None:
        return made
    moved = made.detach().to("cuda")
    return moved.requires_grad_() if made.requires_grad else moved


def parametrized(module):
    """(test, arguments) for every case of the file's tests that take nothing but parameters."""
    for test in list(vars(module).values()):  # a copy: a warning adds a name to the module
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        if len(marks) == 1 and inspect.isfunction(test):
            names = [name.strip() for name in marks[0].args[0].split(",")]
            if names == list(inspect.signature(test).parameters):
                for case in marks[0].args[1]:
                    yield test, (case,) if len(names) == 1 else case


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(path.stem for path in FOLDER.glob("test_parity*.py")))
def test_the_parity_tests_pass_on_the_stand_in(file, all_on_the_stand_in):
    """Every line and every mistake of the file, with the engine's tensors on the stand-in for cupy."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    failed, count = [], 0
    for test, arguments in parametrized(importlib.import_module(file)):
        count += 1
        call = f"{test.__name__}{arguments}"
        excuse = next((part for part in LINES_ON_THE_CPU if part in call.replace("\\'", "'")), None)
        try:
            test(*arguments)
        except (Exception, pytest.fail.Exception) as error:  # reported together, each with its line
            if excuse is None:
                failed.append(f"{call}: {type(error).__name__}: {str(error)[:300]}")
    assert count and not failed, f"{len(failed)} of {count}:\n" + "\n".join(failed)
