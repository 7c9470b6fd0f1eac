"""Measures of a classifier: accuracy, precision, recall, F1, the confusion matrix, the mean squared error.

Logistic regression tells malignant from benign tumours (569 patients, Wolberg, Street & Mangasarian 1995). About 97 % right; a
recall above 90 % says how many malignant ones are found, a precision above 90 % how many alarms are true.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_breast_cancer


def patients(size):
    """Measurements (mean 0, variance 1 in training) and whether malignant: for training and for testing."""
    data = load_breast_cancer()
    order = torch.randperm(569)
    x, malignant = torch.tensor(data.data, dtype=torch.float32)[order], 1 - torch.tensor(data.target)[order].float()
    x = (x - x[:size].mean(0)) / x[:size].std(0)
    return (x[:size], malignant[:size]), (x[400:], malignant[400:])


def confusion_matrix(predicted, true, classes=2):
    """How often class (row) was taken for class (column)."""
    return torch.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def main(epochs=100, size=400, seed=0):
    torch.manual_seed(seed)
    (x, y), (test_x, test_y) = patients(size)
    model, criterion = nn.Linear(30, 1), nn.BCEWithLogitsLoss()
    optimizer = optim.RMSprop(model.parameters(), lr=0.01)
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = criterion(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        probability = model(test_x).squeeze(1).sigmoid()
    matrix = confusion_matrix((probability > 0.5).long(), test_y.long())
    (true_negative, false_positive), (false_negative, true_positive) = matrix.tolist()
    precision = true_positive / (true_positive + false_positive)
    recall = true_positive / (true_positive + false_negative)
    figures = {"accuracy": (true_positive + true_negative) / len(test_y), "precision": precision, "recall": recall,
               "F1": 2 * precision * recall / (precision + recall),
               "MSE": nn.functional.mse_loss(probability, test_y).item()}  # fmt: skip
    print(matrix, *(f"{name:9} {figure:.3f}" for name, figure in figures.items()), sep="\n")
    return figures


if __name__ == "__main__":
    main()
