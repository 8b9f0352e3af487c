"""All works, in the order of the table. Data only; how they are run is the business of bench/frame."""

from works.load import LOAD
from works.micro import MICRO
from works.shapes import SHAPES

WORKS = (*MICRO, *LOAD, *SHAPES)
